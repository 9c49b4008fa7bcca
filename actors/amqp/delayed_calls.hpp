// Calls to make later on one io thread. Owner thread only.
#pragma once

#include "relay/io_thread.hpp"

#include <functional>
#include <map>

namespace natterjack::amqp {

class delayed_calls {
 public:
  using clock = std::chrono::steady_clock;

  explicit delayed_calls(relay::io_thread& thread) : thread_(thread) {}

  void add(std::chrono::nanoseconds delay, std::function<void()> call) {
    calls_.emplace(clock::now() + std::chrono::duration_cast<clock::duration>(delay),
                   std::move(call));
    arm();
  }
  void clear() {
    calls_.clear();
    timer_.cancel();
  }

 private:
  void arm() {
    if (calls_.empty())
      return;
    const auto wait = calls_.begin()->first - clock::now();
    thread_.set_timer(timer_, std::max<clock::duration>(wait, clock::duration::zero()));
  }
  void fire() {
    const auto now = clock::now();
    while (!calls_.empty() && calls_.begin()->first <= now) {
      auto call = std::move(calls_.begin()->second);
      calls_.erase(calls_.begin());
      call();
    }
    arm();
  }

  relay::io_thread& thread_;
  std::multimap<clock::time_point, std::function<void()>> calls_;
  relay::timer_wheel::timer timer_{this, [](void* self) {
                                     static_cast<delayed_calls*>(self)->fire();
                                   }};
};

} // namespace natterjack::amqp
