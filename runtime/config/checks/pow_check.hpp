// Checks of process jobs beyond one field: where services are mounted, commands that cannot run.
#pragma once

#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Adds what is wrong to the diagnostics.
/// @param check_exec  as in load_options; may be empty
void check_pow(application& app, const exec_check& check_exec);

} // namespace natterjack::runtime
