// CPU and wall time of the measured part of a run, and what ends a run that hangs.
#pragma once

#include "report.hpp"
#include "server_probe.hpp"

#include <cstdint>
#include <stdexcept>
#include <string>

namespace natterjack::bench {

/// CPU and wall time from its making on.
class stopwatch {
 public:
  explicit stopwatch(const server_probe& server)
      : server_(&server), wall_(now_ns()), cpu_(server.cpu_ns()),
        own_(clock_ns(CLOCK_PROCESS_CPUTIME_ID)) {}

  void stop() {
    wall_ = now_ns() - wall_;
    cpu_ = server_->cpu_ns() - cpu_;
    own_ = clock_ns(CLOCK_PROCESS_CPUTIME_ID) - own_;
  }

  /// CPU the server used since the making; before stop() only.
  void extend_cpu(int64_t server_cpu_ns) { cpu_ = server_cpu_ns; }
  double seconds() const { return static_cast<double>(wall_) / 1e9; }
  double server_us() const { return static_cast<double>(cpu_) / 1e3; }

  void add_shares(report& to) const {
    if (server_->known())
      to.add("server_cpu_percent", static_cast<double>(cpu_) * 100 / static_cast<double>(wall_), 1);
    to.add("loadgen_cpu_percent", static_cast<double>(own_) * 100 / static_cast<double>(wall_), 1);
  }

  void add_cost(report& to, const char* name, uint64_t events) const {
    if (server_->known() && events != 0)
      to.add(name, server_us() / static_cast<double>(events), 3);
  }

 private:
  const server_probe* server_;
  int64_t wall_;
  int64_t cpu_;
  int64_t own_;
};

/// Ends the run when a counter does not move for too long.
class stall_guard {
 public:
  explicit stall_guard(double seconds) : limit_(as_ns(seconds)), since_(now_ns()) {}

  template <class Describe> void check(uint64_t counter, Describe describe) {
    auto now = now_ns();
    if (counter != last_) {
      last_ = counter;
      since_ = now;
    } else if (now - since_ > limit_) {
      throw std::runtime_error("stalled: " + describe());
    }
  }

 private:
  int64_t limit_;
  int64_t since_;
  uint64_t last_ = ~uint64_t{0};
};

} // namespace natterjack::bench
