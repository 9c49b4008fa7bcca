// The turns of a connection that is up: read, acknowledge, publish, and sleep until there is more.
#include "actors/amqp/connection.hpp"
#include "actors/amqp/session.hpp"

#include <algorithm>
#include <poll.h>

namespace natterjack::amqp {

namespace {

constexpr size_t frames_a_turn_max = 3'000;      // then acks and publications get their turn
constexpr size_t handed_on_bytes_max = 32 << 20; // not taken yet: reading stops
constexpr auto read_interval = std::chrono::milliseconds(500);
constexpr auto stop_wait = std::chrono::seconds(1);
constexpr auto expiry_interval = std::chrono::milliseconds(100);
constexpr auto short_sleep = std::chrono::milliseconds(20); // as long as acks may lag
constexpr auto quiet_time = std::chrono::milliseconds(200); // without deliveries: sleep until woken

} // namespace

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
