// Lua between the runtime and an application's code: what calls a job, what asks for leave.
//
//   runner           calls the application's function as           and tells the runtime
//   job              run(job, argument…)                           output, and one end
//   authorization    handler(name, arguments), http.request()      {"allowed":…,"reason":…}
//
// A runner imports the application's program as a library, so that this one has its own grants.
#pragma once

#include "runtime/lua/program/lua_program.hpp"

namespace natterjack::runtime {

/// @param job  the program of a pow.lua entry; its method is the job
lua::program_ptr make_job_runner(const lua::program_ptr& job);

/// @param function  the program of a function.lua entry
lua::program_ptr make_authorization_runner(const lua::program_ptr& function);

/// Path parameter that carries what was called to the authorization runner, as JSON:
/// {"method":…,"call":…,"params":[…]}, method being the function's own.
inline constexpr const char* called_parameter = "natterjack.called";

} // namespace natterjack::runtime
