// One running command as the code of a job: pipes, signals and its end, all on the io thread.
#pragma once

#include "actors/pow/child_process.hpp"
#include "actors/pow/job.hpp"

#include <chrono>

namespace natterjack::pow {

struct exec_job_plan {
  std::string name; ///< for the log
  child_plan child;
  std::chrono::nanoseconds wall_clock{0}; ///< 0: no limit
  std::chrono::nanoseconds grace{};       ///< between SIGTERM and SIGKILL
  std::chrono::nanoseconds lost_grace{};  ///< the same for a lost client
  uint64_t cpu_seconds = 0;               ///< for the error text
  bool interrupt_on_cancel = false;
};

std::unique_ptr<job_code> make_exec_job(exec_job_plan plan);

} // namespace natterjack::pow
