// A timer that most owners never set: it takes a pointer until it is needed.
#pragma once

#include "relay/io_thread.hpp"

#include <memory>

namespace natterjack::relay {

class rare_timer {
 public:
  /// As `io_thread::set_timer`. @param owner, fire  the same with every call
  void set(io_thread& thread, timer_wheel::clock::duration delay, void* owner,
           timer_wheel::timer::callback fire) {
    if (!timer_)
      timer_ = std::make_unique<timer_wheel::timer>(owner, fire);
    thread.set_timer(*timer_, delay);
  }
  bool is_set() const noexcept { return timer_ && timer_->is_set(); }
  void cancel() noexcept {
    if (timer_)
      timer_->cancel();
  }

 private:
  std::unique_ptr<timer_wheel::timer> timer_;
};

} // namespace natterjack::relay
