#include "runtime/lua/engine/timer_service.hpp"

#include "hub/thread_name.hpp"

#include <caf/all.hpp>

#include <chrono>
#include <vector>

namespace natterjack::runtime::lua {

timer_service::timer_service() : thread_([this] {
        hub::name_thread("lua-timers");
        run();
      }) {
}

timer_service::~timer_service() {
  {
    std::lock_guard guard(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  thread_.join();
}

void timer_service::set(uint64_t number, caf::actor_control_block* who, int64_t due_ns) {
  caf::weak_actor_ptr replaced; // released outside the lock
  std::lock_guard guard(mutex_);
  if (auto i = due_.find(number); i != due_.end()) {
    if (i->second <= due_ns)
      return;
    auto old = queue_.find({i->second, number});
    replaced = std::move(old->second);
    queue_.erase(old);
    i->second = due_ns;
  } else {
    due_.emplace(number, due_ns);
  }
  auto added = queue_.emplace(std::pair{due_ns, number}, caf::weak_actor_ptr{who}).first;
  if (added == queue_.begin())
    wake_.notify_one();
}

void timer_service::forget(uint64_t number) noexcept {
  caf::weak_actor_ptr released;
  std::lock_guard guard(mutex_);
  auto i = due_.find(number);
  if (i == due_.end())
    return;
  auto old = queue_.find({i->second, number});
  released = std::move(old->second);
  queue_.erase(old);
  due_.erase(i);
}

void timer_service::run() {
  const auto due_message = caf::make_message(timer_due_atom::value);
  std::vector<caf::weak_actor_ptr> firing;
  std::unique_lock guard(mutex_);
  while (!stop_) {
    if (queue_.empty()) {
      wake_.wait(guard);
      continue;
    }
    using clock = std::chrono::steady_clock;
    const auto now = clock::now();
    const clock::time_point next{std::chrono::nanoseconds(queue_.begin()->first.first)};
    if (next > now) {
      wake_.wait_until(guard, next);
      continue;
    }
    const auto now_ns = now.time_since_epoch() / std::chrono::nanoseconds(1);
    while (!queue_.empty() && queue_.begin()->first.first <= now_ns) {
      auto node = queue_.extract(queue_.begin());
      due_.erase(node.key().second);
      firing.push_back(std::move(node.mapped()));
    }
    guard.unlock();
    for (auto& who : firing)
      if (auto strong = who.lock())
        strong->enqueue(nullptr, caf::make_message_id(), due_message, nullptr);
    firing.clear();
    guard.lock();
  }
}

} // namespace natterjack::runtime::lua
