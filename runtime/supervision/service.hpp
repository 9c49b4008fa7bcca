// A supervised process: started, watched, started again with back-off when it fails, replaced when its
// entry has changed.
//
//   process ends      then
//   without error     the service has exited; it is not started again
//   with an error     started again after initial_delay * backoff_factor^n, at most max_delay, give or take
//                     jitter; running for stable_threshold forgets earlier failures; after max_attempts
//                     failures in a row it stays down
//   does not wait     within start_timeout: ended, which counts as a failure
//
//   upgrade           the new version starts beside the old one; when it first waits, names and
//                     connections go over and the old one gets CANCEL. If it fails, or does not wait
//                     in time, it is ended and the old one goes on
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

/// What a starter gives back.
struct started_process {
  hub::process_ref process; ///< null: it could not be started
  std::string error;        ///< why not
  /// Gives the names of the replaced process to this one; empty if it replaces none.
  std::function<void()> hand_over;
};

/// Starts the process. `when_waiting` is called once, from any thread, when it first waits or ends.
/// @param replaces  the process whose place it will take; nobody: it takes no place
using process_starter =
    std::function<started_process(std::function<void()> when_waiting, const hub::pid& replaces)>;

/// How one version of a service is run.
struct service_plan {
  restart_policy policy;
  process_starter start;
  std::chrono::nanoseconds start_timeout = std::chrono::seconds(10);
  std::chrono::nanoseconds stop_timeout = std::chrono::seconds(10);
};

enum class service_state : uint8_t { stopped, starting, running, waiting, exited, failed };

const char* to_string(service_state state) noexcept;

struct service_status {
  service_state state = service_state::stopped;
  hub::pid process;       ///< the last one that was started
  uint64_t starts = 0;
  uint64_t failures = 0;
  std::string last_error; ///< of the last failure
};

class service {
 public:
  service(caf::actor_system& system, std::string id, service_plan plan);
  ~service();

  const std::string& id() const noexcept { return id_; }

  /// Starts. `settled` is called, from any thread, when the process first waits, when the first
  /// attempt failed (a restart is under way then), and whenever a later one has started.
  /// @param settled  with empty text for started, else with what went wrong
  void start(std::function<void(const std::string& error)> settled);

  /// Replaces the running version, or starts the new one if none runs.
  /// @returns when it is decided: empty text, or why the old version goes on
  std::future<std::string> upgrade(service_plan next);

  /// Asks the process to end (CANCEL), kills it after `patience`. Blocks until it is gone.
  void stop(std::chrono::nanoseconds patience);

  /// Thread-safe.
  service_status status() const;

  /// The administrator has asked this process to end: the log says so when it has. Thread-safe.
  void ended_by_administrator(const hub::pid& process);

  struct state;

 private:
  std::string id_;
  std::shared_ptr<state> state_;
};

} // namespace natterjack::runtime
