// The PID table: number -> process. Weak: it keeps nobody alive.
//
// Divided by number, so that senders on several threads rarely meet at one lock.
#pragma once

#include "hub/process.hpp"

#include <caf/actor_control_block.hpp>
#include <caf/weak_intrusive_ptr.hpp>

#include <array>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace natterjack::hub {

/// A process that was alive when it was looked up; stays in memory while this is held.
struct process_ref {
  caf::strong_actor_ptr actor;
  process* self = nullptr;
  explicit operator bool() const noexcept { return self != nullptr; }
};

class directory {
 public:
  void enter(const pid& id, caf::actor_control_block* actor, process* self);
  void erase(uint64_t number) noexcept;
  process_ref find(uint64_t number) const;
  /// Whether it has not left yet: `process::leave` erases here first, and its names and groups behind that,
  /// each under the lock it is asked with.
  bool contains(uint64_t number) const;
  size_t size() const;
  /// Everybody, in no order; for the console and for shutdown.
  std::vector<process_ref> all() const;

 private:
  struct slot {
    caf::weak_actor_ptr actor;
    process* self;
  };
  struct alignas(64) shard {
    mutable std::mutex mutex;
    std::unordered_map<uint64_t, slot> slots;
  };
  static constexpr size_t shard_count = 64;
  shard& of(uint64_t number) noexcept { return shards_[number % shard_count]; }
  const shard& of(uint64_t number) const noexcept { return shards_[number % shard_count]; }

  std::array<shard, shard_count> shards_;
};

} // namespace natterjack::hub
