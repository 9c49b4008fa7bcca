// The measured server as the kernel sees it: CPU time and memory of a process.
#pragma once

#include "clock.hpp"

#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace natterjack::bench {

/// What the kernel says about the server's process. Without a PID every figure is absent.
class server_probe {
 public:
  explicit server_probe(int pid) : pid_(pid) {
    if (pid != 0 && clock_getcpuclockid(pid, &clock_) != 0)
      throw std::runtime_error("--server-pid " + std::to_string(pid) + ": no such process");
  }

  bool known() const { return pid_ != 0; }

  /// CPU time of all its threads, ended ones included, user and kernel, nanoseconds.
  int64_t cpu_ns() const { return known() ? clock_ns(clock_) : 0; }

  /// A field of /proc/PID/status or smaps_rollup such as `VmRSS:` or `Pss:`, in bytes.
  int64_t memory(const char* file, std::string_view field) const {
    if (!known())
      return 0;
    std::ifstream in("/proc/" + std::to_string(pid_) + "/" + file);
    for (std::string line; std::getline(in, line);)
      if (line.starts_with(field))
        return std::atoll(line.c_str() + field.size()) * 1024;
    throw std::runtime_error("/proc/" + std::to_string(pid_) + "/" + file + " has no " +
                             std::string(field));
  }

  int64_t rss() const { return memory("status", "VmRSS:"); }
  int64_t pss() const { return memory("smaps_rollup", "Pss:"); }

 private:
  int pid_;
  clockid_t clock_{};
};

} // namespace natterjack::bench
