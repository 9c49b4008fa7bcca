// Expressions of policies: that they can be read.
#pragma once

#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Adds a mistake for each `security.policy.expr` whose expression cannot be parsed.
void check_expressions(application& app);

} // namespace natterjack::runtime
