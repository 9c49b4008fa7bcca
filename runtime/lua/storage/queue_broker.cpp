#include "runtime/lua/storage/queue_broker.hpp"

#include "runtime/lua/application_modules.hpp"

#include <atomic>

namespace natterjack::runtime::lua {

void queue_broker::add_queue(queue_settings settings) {
  std::lock_guard guard(mutex_);
  auto id = settings.id;
  queues_[std::move(id)].settings = std::move(settings);
}

void queue_broker::add_consumer(const std::string& id, size_t concurrency, bool auto_ack,
                                runner run) {
  std::lock_guard guard(mutex_);
  auto made = std::make_unique<consumer>();
  made->concurrency = concurrency;
  made->auto_ack = auto_ack;
  made->run = std::move(run);
  queues_[id].consumers.push_back(std::move(made));
}

void queue_broker::start() {
  std::vector<std::string> ids;
  {
    std::lock_guard guard(mutex_);
    running_ = true;
    for (const auto& [id, one] : queues_)
      ids.push_back(id);
  }
  for (const auto& id : ids)
    pump(id);
}

void queue_broker::stop() {
  std::lock_guard guard(mutex_);
  running_ = false;
}

bool queue_broker::publish(const std::string& id, hub::payload data, hub::payload headers,
                           failure& why) {
  queue_message message;
  message.data = std::move(data);
  message.headers = std::move(headers);
  if (!make_random_uuid(message.id)) {
    why = {error_kind::internal, "no random bytes are available", {}};
    return false;
  }
  {
    std::lock_guard guard(mutex_);
    auto i = queues_.find(id);
    if (i == queues_.end()) {
      why = {error_kind::not_found, "no queue.queue entry '" + id + "'", {}};
      return false;
    }
    auto& to = i->second;
    if (to.waiting.size() >= to.settings.length_max) {
      why = {error_kind::unavailable,
             "queue '" + id + "' is full: max_length (" +
                 std::to_string(to.settings.length_max) + ") reached",
             "{\"retryable\":true}"};
      return false;
    }
    to.waiting.push_back(std::move(message));
  }
  pump(id);
  return true;
}

bool queue_broker::stats(const std::string& id, queue_stats& out) const {
  std::lock_guard guard(mutex_);
  auto i = queues_.find(id);
  if (i == queues_.end())
    return false;
  out = {i->second.waiting.size(), i->second.in_work, i->second.consumers.size()};
  return true;
}

void queue_broker::pump(const std::string& id) {
  std::vector<start_job> jobs;
  {
    std::lock_guard guard(mutex_);
    auto& from = queues_.at(id);
    for (auto& one : from.consumers)
      while (running_ && one->running < one->concurrency && !from.waiting.empty()) {
        auto made = std::make_shared<queue_delivery>();
        made->message = std::move(from.waiting.front());
        from.waiting.pop_front();
        ++made->message.attempts;
        ++one->running;
        ++from.in_work;
        jobs.push_back({one.get(), std::move(made)});
      }
  }
  for (auto& [who, delivery] : jobs) {
    auto open = std::make_shared<std::atomic<bool>>(true);
    const auto* message = &delivery->message;
    delivery->settle = [this, id, message, open](bool good) {
      if (open->exchange(false))
        settled(id, *message, good);
    };
    if (who->auto_ack)
      delivery->settle(true);
    auto held = delivery;
    who->run(delivery, [this, id, who = who, held](bool good) {
      held->settle(good);
      finished(id, *who);
    });
  }
}

void queue_broker::settled(const std::string& id, const queue_message& message, bool good) {
  std::string next;
  bool dropped = false;
  {
    std::lock_guard guard(mutex_);
    auto& from = queues_.at(id);
    --from.in_work;
    if (good)
      return;
    if (message.attempts < from.settings.attempts_max) {
      from.waiting.push_back(message);
      next = id;
    } else if (auto dead = queues_.find(from.settings.dead_letter); dead != queues_.end()) {
      dead->second.waiting.push_back(message);
      dead->second.waiting.back().attempts = 0;
      next = dead->first;
    } else {
      dropped = true;
    }
  }
  if (dropped && when_dropped)
    when_dropped(id, message);
  if (!next.empty() && next != id)
    pump(next);
}

void queue_broker::finished(const std::string& id, consumer& who) {
  {
    std::lock_guard guard(mutex_);
    --who.running;
  }
  pump(id);
}

} // namespace natterjack::runtime::lua
