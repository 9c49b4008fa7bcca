#include "runtime/lua/storage/queue_broker.hpp"

#include "hub/node.hpp"

#include "runtime/lua/application_modules.hpp"

#include <atomic>

namespace natterjack::runtime::lua {

std::string queue_broker::queue::lack_of_room(size_t more_bytes) const {
  const auto full = "queue '" + settings.id + "' is full: ";
  if (waiting.size() >= settings.length_max)
    return full + "max_length (" + std::to_string(settings.length_max) + ") reached";
  if (bytes + more_bytes > settings.bytes_max)
    return full + "max_bytes (" + std::to_string(settings.bytes_max) + ") reached";
  return {};
}

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

queue_broker::afterwards::~afterwards() {
  for (const auto& one : told) {
    stream_item(one, {hub::payload::json("true")});
    end_stream(one);
  }
}

// @returns true if somebody's message came in
bool queue_broker::admit(queue& to, afterwards& later) {
  bool any = false;
  const auto now = std::chrono::steady_clock::now();
  while (!to.publishers.empty()) {
    auto& first = to.publishers.front();
    auto who = first.told.home->processes().find(first.told.to.number());
    if (who && now < first.until) {
      if (!to.lack_of_room(first.message.bytes()).empty())
        break;
      to.bytes += first.message.bytes();
      to.waiting.push_back(std::move(first.message));
      later.told.push_back(first.told);
      any = true;
    }
    later.seen.push_back(std::move(who));
    to.publishers.pop_front();
  }
  return any;
}

publish_result queue_broker::publish(const std::string& id, hub::payload data, hub::payload headers,
                                     const reply_address& told, failure& why) {
  queue_message message;
  message.data = std::move(data);
  message.headers = std::move(headers);
  if (!make_random_uuid(message.id)) {
    why = {error_kind::internal, "no random bytes are available", {}};
    return publish_result::refused;
  }
  {
    afterwards later;
    std::lock_guard guard(mutex_);
    auto i = queues_.find(id);
    if (i == queues_.end()) {
      why = {error_kind::not_found, "no queue.queue entry '" + id + "'", {}};
      return publish_result::refused;
    }
    auto& to = i->second;
    admit(to, later); // lets go of those who wait no longer
    auto lack = to.lack_of_room(message.bytes());
    if (lack.empty() && !to.publishers.empty())
      lack = "queue '" + id + "' is full: others wait for room";
    if (!lack.empty()) {
      const auto patience = to.settings.patience;
      if (told && patience.count() > 0 && message.bytes() <= to.settings.bytes_max) {
        to.publishers.push_back(
            {std::move(message), told, std::chrono::steady_clock::now() + patience});
        return publish_result::waits;
      }
      why = {error_kind::unavailable, std::move(lack), "{\"retryable\":true}"};
      return publish_result::refused;
    }
    to.bytes += message.bytes();
    to.waiting.push_back(std::move(message));
    for (auto& taker : to.consumers)
      taker->pauses = false;
  }
  pump(id);
  return publish_result::taken;
}

bool queue_broker::withdraw(const std::string& id, const reply_address& told) {
  bool waited = false;
  bool came_in = false;
  {
    afterwards later;
    std::lock_guard guard(mutex_);
    auto i = queues_.find(id);
    if (i == queues_.end())
      return false;
    auto& from = i->second;
    waited = std::erase_if(from.publishers, [&told](const publisher& one) {
               return one.told.to == told.to && one.told.number == told.number;
             }) > 0;
    came_in = admit(from, later); // who stood behind it may need less room
  }
  if (came_in)
    pump(id);
  return waited;
}

std::chrono::nanoseconds queue_broker::patience(const std::string& id) const {
  std::lock_guard guard(mutex_);
  auto i = queues_.find(id);
  return i == queues_.end() ? std::chrono::nanoseconds{0} : i->second.settings.patience;
}

bool queue_broker::stats(const std::string& id, queue_stats& out) const {
  std::lock_guard guard(mutex_);
  auto i = queues_.find(id);
  if (i == queues_.end())
    return false;
  out = {i->second.waiting.size(), i->second.in_work, i->second.consumers.size()};
  return true;
}

size_t queue_broker::calls() const {
  std::lock_guard guard(mutex_);
  size_t running = 0;
  for (const auto& [id, one] : queues_)
    for (const auto& taker : one.consumers)
      running += taker->running;
  return running;
}

std::vector<queue_broker::start_job> queue_broker::take_jobs(queue& from, afterwards& later) {
  std::vector<start_job> jobs;
  admit(from, later);
  for (auto& one : from.consumers)
    while (running_ && !one->pauses && one->running < one->concurrency && !from.waiting.empty()) {
      auto made = std::make_shared<queue_delivery>();
      made->message = std::move(from.waiting.front());
      from.waiting.pop_front();
      ++made->message.attempts;
      ++one->running;
      ++from.in_work;
      jobs.push_back({one.get(), std::move(made)});
      admit(from, later);
    }
  return jobs;
}

void queue_broker::pump(const std::string& id) {
  for (;;) {
    std::vector<start_job> jobs;
    {
      afterwards later;
      std::lock_guard guard(mutex_);
      auto& from = queues_.at(id);
      if (from.pumped) {
        from.pump_again = true;
        return;
      }
      jobs = take_jobs(from, later);
      if (jobs.empty())
        return;
      from.pumped = true;
      from.pump_again = false;
    }
    for (auto& job : jobs)
      start(id, std::move(job));
    std::lock_guard guard(mutex_);
    auto& from = queues_.at(id);
    from.pumped = false;
    if (!from.pump_again)
      return;
  }
}

void queue_broker::start(const std::string& id, start_job job) {
  auto& [who, delivery] = job;
  auto open = std::make_shared<std::atomic<bool>>(true);
  const auto* message = &delivery->message;
  delivery->settle = [this, id, message, open](bool good) {
    if (open->exchange(false))
      settled(id, *message, good);
  };
  if (who->auto_ack)
    delivery->settle(true);
  auto held = delivery;
  who->run(delivery, [this, id, who = who, held, open](delivery_end how) {
    if (how != delivery_end::not_begun)
      held->settle(how == delivery_end::done);
    else if (open->exchange(false))
      give_back(id, held->message);
    finished(id, *who, how);
  });
}

void queue_broker::settled(const std::string& id, const queue_message& message, bool good) {
  std::string next;
  std::string why_dropped;
  bool came_in = false;
  {
    afterwards later;
    std::lock_guard guard(mutex_);
    auto& from = queues_.at(id);
    --from.in_work;
    if (!good && message.attempts < from.settings.attempts_max) {
      from.waiting.push_back(message);
      return; // `finished` looks for who takes it
    }
    from.bytes -= message.bytes();
    came_in = admit(from, later);
    if (good) {
      // Nothing more to settle.
    } else if (auto dead = queues_.find(from.settings.dead_letter); dead == queues_.end()) {
      why_dropped = "it names no dead_letter.queue";
    } else if (why_dropped = dead->second.lack_of_room(message.bytes()); why_dropped.empty()) {
      dead->second.bytes += message.bytes();
      dead->second.waiting.push_back(message);
      dead->second.waiting.back().attempts = 0;
      next = dead->first;
    }
  }
  if (!why_dropped.empty() && when_dropped)
    when_dropped(id, message, why_dropped);
  if (!next.empty())
    pump(next);
  if (came_in)
    pump(id);
}

void queue_broker::give_back(const std::string& id, const queue_message& message) {
  std::lock_guard guard(mutex_);
  auto& from = queues_.at(id);
  --from.in_work;
  from.waiting.push_front(message);
  --from.waiting.front().attempts;
}

void queue_broker::finished(const std::string& id, consumer& who, delivery_end how) {
  {
    std::lock_guard guard(mutex_);
    --who.running;
    who.pauses = how == delivery_end::not_begun;
  }
  pump(id);
}

} // namespace natterjack::runtime::lua
