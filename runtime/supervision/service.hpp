// A supervised process: started, watched, started again with back-off when it fails.
//
//   process ends      then
//   without error     the service has exited; it is not started again
//   with an error     started again after initial_delay * backoff_factor^n, at most max_delay, give or take
//                     jitter; running for stable_threshold forgets earlier failures; after max_attempts
//                     failures in a row it stays down
//
//   states  stopped -> starting -> running -> (waiting -> starting) | exited | failed -> stopped
#pragma once

#include "hub/directory.hpp"

#include <caf/fwd.hpp>

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <string>

namespace natterjack::runtime {

struct restart_policy {
  std::chrono::nanoseconds initial_delay = std::chrono::seconds(1);
  std::chrono::nanoseconds max_delay = std::chrono::seconds(90);
  double backoff_factor = 2.0;
  double jitter = 0.1;
  uint64_t max_attempts = 0; ///< 0: without end
  std::chrono::nanoseconds stable_threshold = std::chrono::seconds(5);
};

/// Delay before restart number `attempt` (from 1), without jitter.
std::chrono::nanoseconds restart_delay(const restart_policy& policy, uint64_t attempt);

/// Starts the process. `when_waiting` is called once, from any thread, when it first waits or ends.
/// @returns the process, or nothing and why
using process_starter =
    std::function<hub::process_ref(std::function<void()> when_waiting, std::string& error)>;

class service {
 public:
  service(caf::actor_system& system, std::string id, restart_policy policy, process_starter start);
  ~service();

  const std::string& id() const noexcept { return id_; }

  /// Starts; the future is set when the process first waits, or when the first attempt failed.
  /// @returns empty text for started, else what went wrong (a restart is under way then)
  std::future<std::string> start();

  /// Asks the process to end (CANCEL), kills it after `patience`. Blocks until it is gone.
  void stop(std::chrono::nanoseconds patience);

  struct state;

 private:
  std::string id_;
  std::shared_ptr<state> state_;
};

} // namespace natterjack::runtime
