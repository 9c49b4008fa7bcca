// Wake-ups put off for a moment, so that a receiver is woken once for a batch of messages and not for each.
//
//   on a scheduler thread   while a process runs its slice: a `scope`; flushed at its end and after every
//                           64 wake-ups asked for, so that another core can begin meanwhile
//   on an io thread         a list of the thread's own, flushed when the sockets that were ready have been
//                           read
//   elsewhere               there is none: a receiver is woken at once
//
// What is put off is only the wake-up: messages are queued at once, in order, and a sender on another
// thread does not wait for our flush unless the receiver says so.
#pragma once

#include <caf/actor_control_block.hpp>

#include <cstddef>
#include <vector>

namespace natterjack::hub {

/// A receiver of messages that sleeps when it has none.
class wakeable {
 public:
  /// Lets it look at its queue; from any thread, harmless when there is nothing to do.
  virtual void wake() noexcept = 0;

 protected:
  ~wakeable() = default;
};

class wake_list {
 public:
  wake_list() = default;
  virtual ~wake_list() = default;
  wake_list(const wake_list&) = delete;
  wake_list& operator=(const wake_list&) = delete;

  /// This thread's, or null.
  static wake_list* current() noexcept { return current_; }

  /// Wakes `who` at the next flush. @param keep  what keeps it alive until then, if it may end
  void add(wakeable& who, caf::strong_actor_ptr keep = {});
  void flush() noexcept;

  /// Makes `list` this thread's, until it is replaced. @returns the one before
  static wake_list* use(wake_list* list) noexcept;

  class scope;

 protected:
  /// The first wake-up since a flush has been put off.
  virtual void on_first() noexcept {}

 private:
  struct waiting {
    wakeable* who;
    caf::strong_actor_ptr keep;
  };
  static inline thread_local wake_list* current_ = nullptr;

  std::vector<waiting> waiting_;
  size_t asked_ = 0;
};

/// Puts wake-ups off for the life of this object, unless they are put off already.
class wake_list::scope {
 public:
  scope() noexcept;
  ~scope();
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

 private:
  bool is_outer_;
};

} // namespace natterjack::hub
