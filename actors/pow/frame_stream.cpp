#include "actors/pow/frame_stream.hpp"

#include "hub/payload.hpp"

#include <cerrno>
#include <poll.h>
#include <sys/socket.h>

namespace natterjack::pow {

namespace asio = boost::asio;
using boost::system::error_code;
using relay::opcode;

namespace {

constexpr size_t read_bytes = 64 << 10;
constexpr auto watch_interval = std::chrono::milliseconds(250);

// How much may wait is the job's business: the outbox itself refuses nothing.
const relay::gateway_limits& outbox_limits() {
  static const relay::gateway_limits limits = [] {
    relay::gateway_limits l;
    l.outbox_soft_bytes = l.outbox_hard_bytes = static_cast<size_t>(-1) / 4;
    l.message_bytes = 0;
    return l;
  }();
  return limits;
}

// Codes a client may close with: the registered ones, and those of libraries and applications.
bool is_close_code(unsigned code) noexcept {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1013) ||
         (code >= 3000 && code <= 4999);
}

} // namespace

#define THIS static_cast<frame_stream*>(self)
frame_stream::frame_stream(relay::taken_socket taken, stream_limits limits)
    : thread_(taken.thread), socket_(std::move(taken.socket)), place_(std::move(taken.place)),
      limits_(limits), outbox_(thread_, outbox_limits(), socket_.native_handle(), *this),
      parser_(limits_.message_bytes, *this), ping_timer_(this, [](void* self) { THIS->on_ping_time(); }),
      silence_timer_(this, [](void* self) { THIS->on_silence(); }),
      write_timer_(this, [](void* self) { THIS->lost(); }),
      deadline_(this, [](void* self) { THIS->close_socket(); }),
      watch_timer_(this, [](void* self) { THIS->look_for_hang_up(); }) {}
#undef THIS

void frame_stream::open(std::string_view response_head, std::shared_ptr<stream_owner> owner) {
  owner_ = std::move(owner);
  heard_ = std::chrono::steady_clock::now();
  if (!response_head.empty())
    outbox_.push_raw(hub::shared_bytes(response_head));
  if (limits_.ping_interval.count() > 0)
    thread_.set_timer(ping_timer_, limits_.ping_interval);
  if (limits_.read_time.count() > 0)
    thread_.set_timer(silence_timer_, limits_.read_time);
  wait_readable();
}

// -- out ----------------------------------------------------------------------

void frame_stream::send(opcode op, std::string_view body) {
  if (phase_ != phase::open)
    return;
  outbox_.push_data(relay::encode_frame(op, body));
  was_full_ = was_full_ || !has_room();
}

void frame_stream::send_close(uint16_t code, std::string_view reason) {
  char body[125];
  size_t size = 0;
  if (code != 0) {
    body[0] = static_cast<char>(code >> 8);
    body[1] = static_cast<char>(code);
    size = 2 + reason.copy(body + 2, sizeof body - 2);
  }
  outbox_.push_control(opcode::close, relay::encode_frame(opcode::close, {body, size}));
}

void frame_stream::on_outbox_blocked() {
  watch_output();
  if (waiting_write_)
    return;
  waiting_write_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_write, [self = shared_from_this()](error_code ec) {
    self->waiting_write_ = false;
    if (!ec)
      self->outbox_.flush();
  });
}

void frame_stream::on_outbox_drained() {
  write_timer_.cancel();
  watch_output();
  if (close_when_drained_)
    close_socket();
  else if (phase_ == phase::broken)
    shut_down_output();
}

void frame_stream::on_outbox_failed() { lost(); }

// Called after every write that got something out.
void frame_stream::watch_output() {
  if (!outbox_.empty())
    thread_.set_timer(write_timer_, limits_.write_time);
  if (was_full_ && outbox_.bytes() < limits_.output_bytes / 2) {
    was_full_ = false;
    if (const auto owner = owner_)
      owner->on_room();
  }
}

// -- in -----------------------------------------------------------------------

void frame_stream::pause() noexcept {
  if (paused_ || phase_ != phase::open)
    return;
  paused_ = true;
  hang_ups_seen_ = 0;
  thread_.set_timer(watch_timer_, watch_interval);
}

void frame_stream::resume() {
  if (!std::exchange(paused_, false))
    return;
  watch_timer_.cancel();
  heard_ = std::chrono::steady_clock::now(); // its pongs stood behind what was not read
  wait_readable();
}

void frame_stream::wait_readable() {
  if (waiting_read_ || phase_ == phase::closed)
    return;
  waiting_read_ = true;
  socket_.async_wait(asio::ip::tcp::socket::wait_read, [self = shared_from_this()](error_code ec) {
    self->waiting_read_ = false;
    if (!ec)
      self->on_readable();
  });
}

void frame_stream::on_readable() {
  read_once();
  if (phase_ != phase::closed && !paused_)
    wait_readable();
}

// @returns whether there was anything
bool frame_stream::read_once() {
  if (paused_ || phase_ == phase::closed)
    return false;
  thread_local char buffer[read_bytes];
  const auto n = ::recv(socket_.native_handle(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0)
    parser_.take(buffer, static_cast<size_t>(n));
  else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
    lost();
  return n > 0;
}

void frame_stream::read_arrived() {
  const auto alive = shared_from_this();
  for (int reads = 0; reads < 16 && read_once(); ++reads) { // a sender never without words: enough
  }
}

void frame_stream::on_control(opcode op, std::string_view payload) {
  if (op == opcode::close)
    on_close_frame(payload);
  else if (op == opcode::pong)
    heard_ = std::chrono::steady_clock::now();
  else if (phase_ == phase::open)
    answer_ping(relay::encode_frame(opcode::pong, payload));
}

// Each one, but to a client that does not read only the last (RFC 6455 5.5.3).
void frame_stream::answer_ping(hub::shared_bytes pong) {
  if (has_room())
    outbox_.push_raw(std::move(pong));
  else
    outbox_.push_control(opcode::pong, std::move(pong));
  was_full_ = was_full_ || !has_room(); // a job that asks for it is to hear when there is some
}

void frame_stream::on_message(opcode op, std::string_view body) {
  heard_ = std::chrono::steady_clock::now();
  const auto owner = owner_;
  if (!owner)
    return;
  if (op == opcode::binary)
    owner->on_binary(body);
  else if (hub::is_utf8(body))
    owner->on_text(body);
  else
    fail(1007, {});
}

void frame_stream::on_mistake(uint16_t code, std::string_view what) {
  if (code == 1009) {
    part();
    close(code);
  } else {
    fail(code, what);
  }
}

// -- closing ------------------------------------------------------------------

void frame_stream::on_close_frame(std::string_view payload) {
  if (phase_ == phase::closing) {
    close_when_sent();
    return;
  }
  unsigned code = 0; // none; a payload of one byte has none either
  if (payload.size() >= 2) {
    code = static_cast<unsigned>(static_cast<unsigned char>(payload[0]) << 8 |
                                 static_cast<unsigned char>(payload[1]));
    if (!is_close_code(code)) {
      fail(1002, "bad close code " + std::to_string(code));
      return;
    }
    if (!hub::is_utf8(payload.substr(2))) {
      fail(1002, "invalid utf8 payload in close frame");
      return;
    }
  }
  part();
  send_close(static_cast<uint16_t>(code), {});
  phase_ = phase::closing;
  close_when_sent();
  resume(); // a wait for the socket keeps the stream until all is sent: the owner has let go of it
}

void frame_stream::close(uint16_t code) {
  if (phase_ != phase::open)
    return;
  owner_.reset();
  send_close(code, {});
  phase_ = phase::closing;
  parser_.drop_messages();
  ping_timer_.cancel();
  silence_timer_.cancel();
  thread_.set_timer(deadline_, limits_.close_time);
  resume();
}

void frame_stream::fail(uint16_t code, std::string_view reason) {
  if (phase_ == phase::closing) { // both sides are done: nothing left to say
    close_when_sent();
    return;
  }
  if (phase_ != phase::open)
    return;
  part();
  send_close(code, reason);
  phase_ = phase::broken;
  parser_.stop();
  ping_timer_.cancel();
  silence_timer_.cancel();
  thread_.set_timer(deadline_, limits_.close_time);
  resume();
}

// The client sees the end at once; what it has sent meanwhile is read, so that closing does not become a
// reset which would take the close frame with it.
void frame_stream::shut_down_output() {
  error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
}

void frame_stream::abort() {
  owner_.reset();
  close_socket();
}

// The owner's part is over, by no will of its own.
void frame_stream::part() {
  if (const auto owner = std::exchange(owner_, nullptr))
    owner->on_gone();
}

void frame_stream::lost() {
  const auto alive = shared_from_this();
  close_socket();
  part();
}

void frame_stream::close_when_sent() {
  if (outbox_.empty()) {
    close_socket();
    return;
  }
  close_when_drained_ = true;
  thread_.set_timer(deadline_, limits_.close_time);
}

void frame_stream::close_socket() {
  if (phase_ == phase::closed)
    return;
  phase_ = phase::closed;
  parser_.stop();
  for (auto* t : {&ping_timer_, &silence_timer_, &write_timer_, &deadline_, &watch_timer_})
    t->cancel();
  thread_.unmark(outbox_); // its descriptor may soon be somebody else's
  error_code ignored;
  socket_.close(ignored);
  place_.reset();
}

// -- time ---------------------------------------------------------------------

void frame_stream::on_ping_time() {
  static const auto ping = relay::encode_frame(opcode::ping, {});
  outbox_.push_control(opcode::ping, ping);
  was_full_ = was_full_ || !has_room();
  thread_.set_timer(ping_timer_, limits_.ping_interval);
}

void frame_stream::on_silence() {
  const auto left = heard_ + limits_.read_time - std::chrono::steady_clock::now();
  const auto alive = shared_from_this();
  if (paused_ || left.count() > 0) {
    thread_.set_timer(silence_timer_, paused_ ? limits_.read_time : left);
    return;
  }
  part();
  close(1001);
}

// While we do not read, only the kernel knows that the client is gone. What it said before is still
// wanted by a job that reads slowly, so a hang-up is given a second look; a reset is none.
void frame_stream::look_for_hang_up() {
  pollfd p{socket_.native_handle(), POLLRDHUP, 0};
  const int seen = ::poll(&p, 1, 0) > 0 ? p.revents : 0;
  const bool hung_up = (seen & POLLRDHUP) != 0;
  hang_ups_seen_ = hung_up ? static_cast<uint8_t>(hang_ups_seen_ + 1) : uint8_t{0};
  if (hang_ups_seen_ >= 2 || (seen & (POLLHUP | POLLERR)) != 0) {
    lost();
    return;
  }
  // The end of one that had more to send than fits stands behind that, unsent. But its kernel answers
  // whatever comes for nobody with a reset. A pong nobody asked for wants no answer (RFC 6455 5.5.3).
  static const auto sign_of_life = relay::encode_frame(opcode::pong, {});
  if (!hung_up && outbox_.empty())
    outbox_.push_control(opcode::pong, sign_of_life);
  thread_.set_timer(watch_timer_, watch_interval);
}

} // namespace natterjack::pow
