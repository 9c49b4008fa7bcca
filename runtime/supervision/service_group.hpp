// The services of an application: started in the order they require, watched, and stopped in reverse.
//
//   start_all     a service starts when all it requires have started; those that require nothing start
//                 together. Nobody waits for a service that never waits
//   is_ready      every required service has started, and runs or has ended by itself
//   replace_all   after a change of the application: changed services are upgraded one by one, new ones
//                 start, those that are gone are stopped
#pragma once

#include "runtime/supervision/service.hpp"

#include <caf/fwd.hpp>

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct planned_service {
  std::string id;
  std::vector<std::string> requires_; ///< ids; those that are no service count as started
  bool required = true;               ///< readiness depends on it
  service_plan plan;
  std::string version; ///< equal texts: the same entry, code and policy
};

class service_group {
 public:
  explicit service_group(caf::actor_system& system);
  ~service_group();

  /// Starts everything; returns when all have started or failed once, or after `patience`.
  /// @param planned  in an order that suits dependencies
  void start_all(std::vector<planned_service> planned, std::chrono::nanoseconds patience);

  bool is_ready() const;
  /// Why not: ids of required services and their states.
  std::vector<std::string> not_ready() const;

  struct row {
    std::string id;
    bool required = true;
    service_status status;
  };
  std::vector<row> rows() const; ///< in the order they were planned

  /// The administrator has asked this process to end; nothing happens if it is of no service.
  void ended_by_administrator(const hub::pid& process);

  /// @param give_up  looked at while waiting: true ends the waiting
  /// @returns what went wrong, one text for each service
  std::vector<std::string> replace_all(std::vector<planned_service> planned,
                                       const std::function<bool()>& give_up,
                                       std::vector<std::string>& done);

  void stop_all(std::chrono::steady_clock::time_point deadline);
  /// Ends every supervisor at once; nothing is told to anybody any more.
  void end();

 private:
  struct member {
    planned_service planned;
    std::unique_ptr<service> running; ///< null until what it requires has started
    bool settled = false;             ///< has started, or failed once
    bool started = false;
  };
  void start_what_can(std::unique_lock<std::mutex>& guard);
  void settled(const std::string& id, const std::string& error);
  struct gate; // between supervisors, which end later, and this object
  member* find(const std::string& id);
  bool may_start(const member& m);

  caf::actor_system& system_;
  std::shared_ptr<gate> gate_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::unique_ptr<member>> members_;
  bool stopping_ = false;
};

} // namespace natterjack::runtime
