#include "actors/amqp/connection.hpp"

#include "hub/thread_name.hpp"
#include "actors/amqp/session.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace natterjack::amqp {

const char* to_string(link_state state) noexcept {
  switch (state) {
  case link_state::connecting:
    return "connecting";
  case link_state::up:
    return "up";
  case link_state::blocked:
    return "blocked";
  case link_state::down:
    return "down";
  case link_state::stopped:
    return "stopped";
  }
  return "unknown";
}

connection::connection(broker_options options)
    : options_(std::move(options)), wake_descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      channel_max_(session::channel_max_wanted) {
  if (wake_descriptor_ < 0)
    throw std::system_error(errno, std::generic_category(), "cannot make an eventfd");
  for (uint8_t i = 0; i < lane_count; ++i)
    lanes_[i] = std::make_unique<publisher>(options_, static_cast<uint16_t>(i + 1));
}

connection::~connection() {
  stop();
  ::close(wake_descriptor_);
}

// -- from any thread ----------------------------------------------------------

void connection::watch(std::function<void(const link_event&)> watcher) {
  watchers_.push_back(std::move(watcher));
}

void connection::start() {
  thread_ = std::thread([this] {
    hub::name_thread("broker");
    run();
  });
}

void connection::stop() {
  if (!stopping_.exchange(true))
    wake();
  if (thread_.joinable())
    thread_.join();
  run_tasks(); // what was posted too late for the thread
  for (auto& lane : lanes_)
    lane->stop();
  state_ = link_state::stopped;
}

void connection::wake() noexcept {
  const uint64_t one = 1;
  [[maybe_unused]] const auto n = ::write(wake_descriptor_, &one, sizeof one);
}

void connection::post(std::function<void()> task) {
  {
    std::lock_guard guard(mutex_);
    tasks_.push_back(std::move(task));
  }
  wake();
}

void connection::publish(publication what, const publish_options& options, publish_done done) {
  lanes_.at(options.lane)->enqueue(std::move(what), options, std::move(done));
  wake();
}

// The next one in turn rather than the lowest: of a channel just closed there may be frames on
// their way.
uint16_t connection::take_channel() {
  std::lock_guard guard(mutex_);
  for (unsigned tried = lane_count; tried < channel_max_; ++tried) {
    last_channel_ = last_channel_ < channel_max_ ? static_cast<uint16_t>(last_channel_ + 1)
                                                 : static_cast<uint16_t>(lane_count + 1);
    if (consumer_channels_.insert(last_channel_).second)
      return last_channel_;
  }
  return 0;
}

void connection::free_channel(uint16_t number) {
  std::lock_guard guard(mutex_);
  consumer_channels_.erase(number);
}

uint16_t connection::consume(topology wanted, consumer_handlers handlers) {
  const auto number = take_channel();
  if (number == 0) {
    post([told = std::move(handlers.on_lost)] {
      if (told)
        told(no_channel_left, AMQP_CHANNEL_ERROR);
    });
    return 0;
  }
  auto on_settled = [this](bool many) {
    if (wants_wake_.exchange(false) || many)
      wake();
  };
  auto made = std::make_shared<consumer>(number, std::move(wanted), std::move(handlers), on_settled,
                                         options_);
  post([this, number, made] {
    consumers_.emplace(number, made); // the next turn starts it
  });
  return number;
}

void connection::cancel(uint16_t number, std::function<void()> done) {
  post([this, number, done = std::move(done)] {
    const auto one = consumers_.extract(number);
    std::exception_ptr lost;
    try {
      if (wire_ != nullptr && !one.empty())
        one.mapped()->withdraw(*wire_);
    } catch (...) {
      lost = std::current_exception(); // the connection is: no reason to forget `done`
    }
    free_channel(number);
    if (done)
      done();
    if (lost)
      std::rethrow_exception(lost);
  });
}

bool connection::has_waiting() const {
  return std::any_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->waiting() > 0; });
}

void connection::expire() {
  const auto now = clock::now();
  for (auto& lane : lanes_)
    lane->expire(now);
}

// -- the thread ---------------------------------------------------------------

void connection::change(link_state state, const std::string& why, int code) {
  state_ = state;
  for (const auto& watcher : watchers_)
    watcher({state, why, code});
}

void connection::run() {
  while (!stopping_) {
    try {
      attempt();
    } catch (const broker_error& e) {
      lose(e.what(), e.code);
    } catch (const std::exception& e) {
      lose(e.what(), 0);
    }
    pause_before_retry();
  }
  run_tasks();
  state_ = link_state::stopped;
}

void connection::attempt() {
  run_tasks();
  session wire(options_);
  wire_ = &wire;
  struct forget {
    session*& wire;
    ~forget() { wire = nullptr; }
  } on_exit{wire_};
  {
    std::lock_guard guard(mutex_);
    channel_max_ = wire.channel_max();
  }
  for (auto& lane : lanes_)
    open(wire, *lane);
  for (auto& [number, one] : consumers_)
    start(wire, *one);
  ++stats_.connects;
  last_complaint_.clear();
  up_since_ = clock::now();
  change(link_state::up);
  serve(wire);
}

void connection::lose(const std::string& why, int code) {
  const bool was_up = state_ == link_state::up || state_ == link_state::blocked;
  if (was_up)
    ++stats_.losses;
  // Not after every login: what fails right behind it fails again.
  if (was_up && clock::now() - up_since_ > backoff_)
    backoff_ = std::chrono::milliseconds(0);
  for (auto& lane : lanes_)
    lane->on_lost(why, 0);
  for (auto& [number, one] : consumers_) {
    one->forget_channel();
    if (one->is_consuming())
      one->on_lost(why, 0);
  }
  for (auto& r : returned_)
    r = {};
  if (stopping_)
    return;
  // The same complaint every few seconds helps nobody.
  if (std::exchange(last_complaint_, why) != why)
    spdlog::warn("broker {}: {}; trying again", to_string(options_), why);
  change(link_state::down, why, code);
}

void connection::pause_before_retry() {
  backoff_ = std::clamp(backoff_ * 2, options_.backoff_min, options_.backoff_max);
  std::uniform_int_distribution<int64_t> jitter(backoff_.count() / 2, backoff_.count());
  const auto until = clock::now() + std::chrono::milliseconds(jitter(random_));
  while (!stopping_ && clock::now() < until) {
    expire();
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - clock::now());
    pollfd p{wake_descriptor_, POLLIN, 0};
    ::poll(&p, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 1, 100)));
    run_tasks();
  }
}

void connection::run_tasks() {
  uint64_t count = 0;
  [[maybe_unused]] const auto n = ::read(wake_descriptor_, &count, sizeof count);
  std::vector<std::function<void()>> tasks;
  {
    std::lock_guard guard(mutex_);
    tasks.swap(tasks_);
  }
  for (size_t i = 0; i < tasks.size(); ++i) {
    try {
      tasks[i]();
    } catch (...) {
      std::lock_guard guard(mutex_);
      tasks_.insert(tasks_.begin(),
                    std::make_move_iterator(tasks.begin() + static_cast<long>(i) + 1),
                    std::make_move_iterator(tasks.end()));
      throw;
    }
  }
}

} // namespace natterjack::amqp
