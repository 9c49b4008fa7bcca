#include "actors/amqp/connection.hpp"

#include "actors/amqp/session.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/eventfd.h>
#include <system_error>
#include <unistd.h>

namespace natterjack::amqp {

namespace {

constexpr size_t frames_a_turn_max = 3'000;      // then acks and publications get their turn
constexpr size_t handed_on_bytes_max = 32 << 20; // not taken yet: reading stops
constexpr auto read_interval = std::chrono::milliseconds(500);
constexpr auto stop_wait = std::chrono::seconds(1);
constexpr auto expiry_interval = std::chrono::milliseconds(100);
constexpr auto short_sleep = std::chrono::milliseconds(20); // as long as acks may lag
constexpr auto quiet_time = std::chrono::milliseconds(200); // without deliveries: sleep until woken
constexpr const char* no_channel_left =
    "too many consumers: all channels that the broker allows on one connection are in use";

} // namespace

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
  thread_ = std::thread([this] { run(); });
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

void connection::serve(session& wire) {
  bool is_woken = true;
  bool has_news = true; // on the socket
  for (;;) {
    if (is_woken)
      run_tasks();
    if (stopping_) {
      stop_deadline_ = std::min(stop_deadline_, clock::now() + stop_wait);
      if (is_finished() || clock::now() >= stop_deadline_) {
        for (auto& [number, one] : consumers_)
          if (one->is_consuming())
            one->acknowledge(wire);
        wire.close();
        return;
      }
    }
    // Reading is also what keeps the heartbeats.
    const auto now = clock::now();
    bool more = false;
    if (!is_paused() && (has_news || wire.has_frames() || now - last_read_ >= read_interval)) {
      last_read_ = now;
      more = read_frames(wire);
    }
    const bool wants_write = write(wire);
    start_consumers(wire);
    keep_alive(wire);

    // Said before looking: who settles from here on either is seen or wakes us.
    wants_wake_ = true;
    more = more || (wire.has_frames() && !is_paused()); // requests leave some behind
    const auto timeout = more ? 0 : poll_timeout();
    if (timeout <= short_sleep.count() && !is_paused())
      wants_wake_ = false;
    pollfd p[2] = {{wake_descriptor_, POLLIN, 0}, {wire.descriptor(), 0, 0}};
    if (!is_paused())
      p[1].events |= POLLIN;
    if (wants_write)
      p[1].events |= POLLOUT;
    ::poll(p, p[1].events == 0 ? 1 : 2, timeout);
    wants_wake_ = false;
    is_woken = p[0].revents != 0;
    has_news = p[1].revents != 0;
  }
}

bool connection::is_finished() const {
  return std::all_of(lanes_.begin(), lanes_.end(),
                     [](const auto& lane) { return !lane->is_open() || lane->unfinished() == 0; });
}

bool connection::is_paused() const noexcept {
  size_t sum = 0;
  for (const auto& [number, one] : consumers_)
    sum += one->outstanding_bytes();
  return sum > handed_on_bytes_max;
}

int connection::poll_timeout() const {
  const auto now = clock::now();
  auto until = now + read_interval;
  if (stopping_)
    until = std::min(until, now + std::chrono::milliseconds(10));
  for (const auto& [number, one] : consumers_) {
    until = std::min(until, one->retry_at());
    const bool is_busy = one->outstanding() > 0 && now - one->last_delivery() < quiet_time;
    if (is_busy || one->settled() > 0)
      until = std::min(until, now + short_sleep);
  }
  for (const auto& lane : lanes_)
    if (lane->unfinished() > 0)
      until = std::min(until, now + expiry_interval);
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - now).count();
  return static_cast<int>(std::clamp<int64_t>(left, 0, 1000));
}

// -- reading ------------------------------------------------------------------

// @returns true if there may be more
bool connection::read_frames(session& wire) {
  amqp_frame_t frame;
  for (size_t i = 0; i < frames_a_turn_max; ++i) {
    if (!wire.next_frame(frame))
      return false;
    on_frame(wire, frame);
    if (frame.frame_type == AMQP_FRAME_BODY && is_paused())
      return true;
    if (!wire.may_have_frames())
      return false; // poll tells when there are more, for less than reading in vain costs
  }
  return true;
}

// -- writing ------------------------------------------------------------------

// @returns true if publications wait for the socket
bool connection::write(session& wire) {
  const auto now = clock::now();
  for (auto& [number, one] : consumers_)
    if (one->should_acknowledge(now) && wire.is_writable())
      one->acknowledge(wire);
  bool wants_write = false;
  for (auto& lane : lanes_) {
    if (lane->unfinished() == 0)
      continue;
    if (!lane->is_open())
      open(wire, *lane); // the broker had closed it
    if (state_ == link_state::up)
      wants_write = lane->flush(wire) || wants_write;
  }
  if (now >= next_expiry_) {
    next_expiry_ = now + expiry_interval;
    for (auto& lane : lanes_) {
      lane->expire(now);
      lane->expire_sent(now);
    }
  }
  return wants_write;
}

void connection::open(session& wire, publisher& lane) {
  wire.open_channel(lane.channel());
  wire.select_confirms(lane.channel());
  lane.on_opened();
}

void connection::start_consumers(session& wire) {
  const auto now = clock::now();
  const bool again = std::exchange(declare_again_, false);
  for (auto& [number, one] : consumers_) {
    if (one->is_consuming() && again)
      declare(wire, *one);
    if (one->is_consuming() || one->retry_at() > now)
      continue;
    start(wire, *one);
  }
}

void connection::declare(session& wire, consumer& one) {
  try {
    one.declare(wire);
  } catch (const broker_error& e) {
    if (!e.is_channel_error)
      throw;
  }
}

// A refused channel concerns this consumer alone.
void connection::start(session& wire, consumer& one) {
  if (one.channel() > wire.channel_max()) { // the broker has allowed more before
    one.on_lost(no_channel_left, AMQP_CHANNEL_ERROR);
    return;
  }
  try {
    one.start(wire);
  } catch (const broker_error& e) {
    if (!e.is_channel_error)
      throw;
  }
}

// The library sends heartbeats while it reads; while we do not read, that is ours to do.
void connection::keep_alive(session& wire) {
  const auto now = clock::now();
  if (!is_paused() || amqp_get_heartbeat(wire.raw()) == 0 || now < next_heartbeat_)
    return;
  next_heartbeat_ = now + std::chrono::milliseconds(amqp_get_heartbeat(wire.raw()) * 500);
  amqp_frame_t beat{};
  beat.frame_type = AMQP_FRAME_HEARTBEAT;
  if (wire.is_writable())
    amqp_send_frame(wire.raw(), &beat);
}

} // namespace natterjack::amqp
