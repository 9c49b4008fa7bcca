// Routers and static folders: is what their middleware is told right, and does it have what it needs?
#pragma once

#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Names of middleware and options are checked with the fields; here it is values, what is missing, and
/// options of middleware that is not listed (a warning).
void check_middleware(application& app);

} // namespace natterjack::runtime
