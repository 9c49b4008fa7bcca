// Jobs written in Lua: each is a Lua process that talks to the actor of its job.
//
//   job ends       when its process has ended, with what that gave, raised, or was ended by
//   process ends   when its job has: killed, lost, abandoned
//   cancel         job.cancel and a CANCEL event; on "end soon" it has `grace` to end by itself
//   input          a piece only when the process asked for one
//   output         at most 64 KiB ahead of a client that does not read; then the process waits
#pragma once

#include "actors/pow/job_source.hpp"
#include "runtime/lua/lua_runtime.hpp"

#include <chrono>

namespace natterjack::runtime {

struct lua_job_plan {
  lua::program_ptr runner; ///< of make_job_runner
  std::string method;      ///< of the entry's own program
  std::chrono::nanoseconds grace{};
};

/// @param where  holds the processes of the jobs
std::shared_ptr<pow::job_source> lua_job_source(lua::lua_runtime& runtime, hub::process_host& where,
                                                lua_job_plan plan);

} // namespace natterjack::runtime
