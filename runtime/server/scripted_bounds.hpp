// What functions and processes that scripts put into the registry are bound to: `pool` and `limits` of their
// data, by the rules and with the defaults of the same fields in YAML.
#pragma once

#include "runtime/lua/shared/scripted_entries.hpp"

#include <string>

namespace natterjack::runtime {

/// @returns what is wrong with `pool` and `limits`, a sentence; empty if nothing is
std::string check_scripted_bounds(const lua::entry_record& entry);

/// @pre check_scripted_bounds has found nothing
lua::scripted_bounds read_scripted_bounds(const lua::entry_record& entry);

} // namespace natterjack::runtime
