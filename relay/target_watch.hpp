// Connections that wait for the end of the same target: one watcher for each io thread, not one for each
// connection, since CAF searches the whole list of an actor's watchers when one of them goes.
//
//   watch_target     on_target_down is called once, behind what the target sent before its end
//   unwatch_target   nothing is called any more; the destructor does it as well
//   thread           all of it on the io thread
#pragma once

#include <caf/actor_control_block.hpp>

namespace natterjack::relay {

class io_thread;

class target_watch {
 public:
  target_watch() = default;
  target_watch(const target_watch&) = delete;
  target_watch& operator=(const target_watch&) = delete;

  /// In place of what was watched before. A target that has ended already is told of as well.
  void watch_target(io_thread& thread, const caf::strong_actor_ptr& target);
  void unwatch_target() noexcept;

 protected:
  virtual ~target_watch() { unwatch_target(); }
  virtual void on_target_down() = 0;

 private:
  friend class target_watches;
  target_watch* next_ = nullptr;
  target_watch** link_ = nullptr; // what points to this one; null: nothing is watched
};

} // namespace natterjack::relay
