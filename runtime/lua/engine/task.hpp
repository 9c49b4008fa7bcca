// A task: one coroutine that the scheduler of a process runs, and what it waits for.
//
//   state      ready -> running -> waiting -> ready ... -> done
//   waits for  channels (some waiters), a moment (a timer), or nothing but its turn
//
// Waiting may happen deep inside coroutines the script made: all of them yield up to the task.
#pragma once

#include "hub/message.hpp"

#include <lua.hpp>

#include <cstdint>
#include <vector>

namespace natterjack::runtime::lua {

struct channel;
struct task;

/// One place in a channel's queue of those who wait.
struct waiter {
  task* who = nullptr;
  channel* on = nullptr;
  waiter* previous = nullptr;
  waiter* next = nullptr;
  int place = 0;       ///< number of the case, from 0
  int value_index = 0; ///< stack index of the value to send; 0: receives
};

class waiter_list {
 public:
  waiter* first() const noexcept { return first_; }
  bool empty() const noexcept { return first_ == nullptr; }
  void append(waiter& one) noexcept {
    one.previous = last_;
    one.next = nullptr;
    (last_ != nullptr ? last_->next : first_) = &one;
    last_ = &one;
  }
  void remove(waiter& one) noexcept {
    (one.previous != nullptr ? one.previous->next : first_) = one.next;
    (one.next != nullptr ? one.next->previous : last_) = one.previous;
  }

 private:
  waiter* first_ = nullptr;
  waiter* last_ = nullptr;
};

struct task {
  enum class mode : uint8_t { ready, running, waiting };

  lua_State* thread = nullptr;
  int anchor = LUA_NOREF; ///< keeps the thread in the registry
  mode state = mode::ready;
  bool is_main = false;
  uint64_t number = 0;

  lua_State* waits_in = nullptr; ///< innermost coroutine while waiting
  std::vector<waiter> waiters;   ///< not moved while waiting
  int fired = -1;                ///< case that another task completed; -1: look again
  hub::message_ptr answer;       ///< what it waited for, see reply.hpp
  int64_t used_ns = 0;           ///< running since it last waited, as far as it was counted

  task* next_ready = nullptr;
  bool follows = false; ///< a module's own, which hands on what comes: nobody waits for its end
};

} // namespace natterjack::runtime::lua
