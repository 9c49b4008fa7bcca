// Kinds of what Lua modules reach: stores, databases, queues, variables, groups, security.
#pragma once

#include "runtime/config/kinds/kind_schema.hpp"

namespace natterjack::runtime {

std::vector<kind_definition> shared_kinds();

} // namespace natterjack::runtime
