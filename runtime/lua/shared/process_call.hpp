// A process that is called like a function: spawned on the host its entry names, its result is the
// answer of the call.
//
//   call                 result                            errors
//   host_for_calls       the id of that host               empty: the entry names none
//   start_process_call   the process that runs             not_found: no such host; unavailable: it is full
//
//   the host   `meta.options.default_host`, or the older `meta.default_host`, of a process.lua
//   done       called once, on the thread of the process or, if it has ended by then, the caller's
#pragma once

#include "hub/directory.hpp"
#include "runtime/lua/function_pool.hpp"

#include <string>
#include <vector>

namespace natterjack::runtime::lua {

/// @param entry_id  of a process.lua
std::string host_for_calls(lua_runtime& runtime, const std::string& entry_id);

/// Spawns `program` on the host with this id. @param extras  `attachment` is not looked at
/// @param why  filled when the result is null; `extras.done` is not called then
hub::process_ref start_process_call(lua_runtime& runtime, program_ptr program,
                                    const std::string& host_id,
                                    std::vector<hub::payload> arguments, call_extras extras,
                                    failure& why);

/// Ends it; its call is answered with an error.
void end_process_call(const hub::process_ref& process);

} // namespace natterjack::runtime::lua
