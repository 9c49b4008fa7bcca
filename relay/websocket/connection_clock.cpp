#include "relay/websocket/ws_connection.hpp"

#include "hub/log_fields.hpp"
#include "relay/io_thread.hpp"
#include "relay/websocket/client_description.hpp"
#include "relay/websocket/shared_topics.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::relay {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto never = clock::time_point::max();
constexpr auto watch_interval = std::chrono::seconds(1); // of a client we do not read from

clock::time_point due_in(std::chrono::nanoseconds interval) {
  return interval.count() > 0 ? clock::now() + interval : never;
}

} // namespace

void ws_connection::start_timers() {
  ping_due_ = due_in(gateway_->limits.ping_interval);
  set_heartbeat();
}

void ws_connection::cancel_timers() {
  clock_timer_.cancel();
  watch_timer_.cancel();
}

void ws_connection::set_heartbeat() {
  beat_due_ = due_in(heartbeat_);
  set_clock();
}

void ws_connection::stop_heartbeat() noexcept {
  beat_due_ = never;
}

// One timer for heartbeats and pings: there are ten thousands of us.
void ws_connection::set_clock() {
  const auto due = std::min(beat_due_, ping_due_);
  if (due == never)
    clock_timer_.cancel();
  else
    thread().set_timer(clock_timer_, std::max<std::chrono::nanoseconds>(
                                         due - clock::now(), {}));
}

void ws_connection::look_at_clock() {
  const auto now = clock::now();
  if (beat_due_ <= now)
    beat();
  if (ping_due_ <= now)
    ping();
  if (state_ == state::open)
    set_clock();
}

void ws_connection::beat() {
  if (state_ != state::open)
    return;
  const client_uptime uptime{clock::now() - born(), message_count()};
  tell(shared_topics::of_this_thread().heartbeat,
       describe_client(id(), metadata_.view(), dialect_, &uptime), false);
  beat_due_ = due_in(heartbeat_);
}

void ws_connection::ping() {
  if (state_ != state::open)
    return;
  if (paused_) {
    // Pongs stand behind what we do not read: they cannot be missed.
  } else if (pings_open_ > 0 && transport_->is_draining()) {
    pings_open_ = 1; // our last ping stands behind what the client still reads
  } else if (pings_open_ >= gateway_->limits.ping_missed) {
    const hub::log_scope about({.connection = id()});
    spdlog::debug("{}: {} pings unanswered", to_string(id()), pings_open_);
    hub::count(hub::counter::limit_ping_missed);
    cause_ = "ping_missed";
    transport_->abort();
    return;
  } else {
    ++pings_open_;
    transport_->send_ping();
  }
  ping_due_ = due_in(gateway_->limits.ping_interval);
}

void ws_connection::start_watch() {
  gone_seen_ = 0;
  watch_again();
}

void ws_connection::watch_again() {
  watch_timer_.set(thread(), watch_interval, this,
                   [](void* self) { static_cast<ws_connection*>(self)->watch(); });
}

// While we do not read, a hang-up shows only when asked for. What the client said before it is still
// wanted, so a FIN is given a second look; a hub that takes nothing for so long loses the rest.
void ws_connection::watch() {
  if (!paused_ || state_ != state::open)
    return;
  gone_seen_ = transport_->peer_is_gone() ? gone_seen_ + 1 : 0;
  if (gone_seen_ >= 2)
    transport_->abort();
  else
    watch_again();
}

} // namespace natterjack::relay
