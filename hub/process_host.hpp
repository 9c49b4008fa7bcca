// A place that owns processes: it keeps the spawned ones alive until they end, up to a number. All of it
// from any thread.
#pragma once

#include "hub/pid.hpp"

#include <caf/actor_control_block.hpp>

#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace natterjack::hub {

class process_host {
 public:
  /// @param max_processes  most processes alive at a time
  process_host(const host_name* name, size_t max_processes);

  const host_name* name() const noexcept { return name_; }
  size_t max_processes() const noexcept { return max_processes_; }

  /// Takes a place for one more process. @returns false when the host is full
  bool reserve() noexcept;
  /// Gives a reserved place back: the spawn failed.
  void cancel() noexcept;
  /// Holds a process that took a reserved place, until it ends.
  void hold(caf::strong_actor_ptr actor);
  size_t size() const;
  std::vector<caf::strong_actor_ptr> all() const;

 private:
  struct book; // outlives the host for processes that end later
  const host_name* name_;
  size_t max_processes_;
  std::shared_ptr<book> book_;
};

} // namespace natterjack::hub
