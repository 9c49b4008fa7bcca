#include "actors/pow/frame_stream.hpp"

#include "hub/payload.hpp"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>

namespace natterjack::pow {

namespace asio = boost::asio;
using boost::system::error_code;
using relay::opcode;

namespace {

constexpr size_t read_bytes = 64 << 10;
constexpr auto watch_interval = std::chrono::milliseconds(250);
constexpr uint8_t continuation = 0x0;

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

void unmask(char* bytes, size_t size, const char* mask) noexcept {
  char key[8];
  std::memcpy(key, mask, 4);
  std::memcpy(key + 4, mask, 4);
  uint64_t word_key;
  std::memcpy(&word_key, key, 8);
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    word ^= word_key;
    std::memcpy(bytes + i, &word, 8);
  }
  for (; i < size; ++i)
    bytes[i] = static_cast<char>(bytes[i] ^ key[i & 3]);
}

uint64_t big_endian(const char* bytes, int count) noexcept {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
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
      rest_(std::move(taken.leftover)), ping_timer_(this, [](void* self) { THIS->on_ping_time(); }),
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
  if (!has_room())
    was_full_ = true;
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
  if (paused_ || phase_ == phase::closed)
    return;
  thread_local char buffer[read_bytes];
  const auto n = ::recv(socket_.native_handle(), buffer, sizeof buffer, MSG_DONTWAIT);
  if (n > 0)
    take(buffer, static_cast<size_t>(n));
  else if (n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR))
    lost();
  if (phase_ != phase::closed && !paused_)
    wait_readable();
}

void frame_stream::take(char* bytes, size_t size) {
  if (phase_ == phase::broken)
    return;
  if (rest_.empty()) {
    const auto done = parse(bytes, size);
    if (done < size && phase_ != phase::closed && phase_ != phase::broken)
      rest_.assign(bytes + done, size - done);
    return;
  }
  rest_.append(bytes, size);
  // The bytes are moved out, so that nothing the owner does can pull them away.
  auto all = std::exchange(rest_, {});
  const auto done = parse(all.data(), all.size());
  if (done < all.size() && phase_ != phase::closed && phase_ != phase::broken) {
    all.erase(0, done);
    rest_ = std::move(all);
  }
}

// @returns bytes used; a frame that is not complete stays
size_t frame_stream::parse(char* bytes, size_t size) {
  size_t at = 0;
  while (at < size && (phase_ == phase::open || phase_ == phase::closing)) {
    if (skip_ > 0) {
      const auto n = std::min<uint64_t>(skip_, size - at);
      skip_ -= n;
      at += n;
      continue;
    }
    frame_head head{};
    const int got = read_head(bytes + at, size - at, head);
    if (got == 0)
      return at;
    if (got < 0)
      return size;
    const bool is_control = (head.op & 0x8) != 0;
    const bool unwanted = phase_ == phase::closing && !is_control;
    if (!is_control && !unwanted && head.length > limits_.message_bytes - message_.size()) {
      at += head.size;
      skip_ = head.length;
      part();
      close(1009);
      continue;
    }
    if (unwanted) {
      at += head.size;
      skip_ = head.length;
      continue;
    }
    if (size - at - head.size < head.length)
      return at;
    char* payload = bytes + at + head.size;
    const auto length = static_cast<size_t>(head.length);
    unmask(payload, length, head.mask);
    at += head.size + length;
    on_frame(head, {payload, length});
  }
  return at;
}

int frame_stream::read_head(const char* bytes, size_t size, frame_head& head) {
  if (size < 2)
    return 0;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  const unsigned small = second & 0x7f;
  const int more = small == 126 ? 2 : small == 127 ? 8 : 0;
  head.fin = (first & 0x80) != 0;
  head.op = first & 0x0f;
  head.length = small;
  const bool masked = (second & 0x80) != 0;
  if (const auto what = mistakes(head, masked, first & 0x70); !what.empty()) {
    fail(1002, what);
    return -1;
  }
  head.size = 2 + static_cast<size_t>(more) + 4;
  if (size < head.size)
    return 0;
  if (more > 0)
    head.length = big_endian(bytes + 2, more);
  head.mask = bytes + 2 + more;
  return 1;
}

// RFC 6455 5.2, 5.4, 5.5: what makes a frame head illegal, or nothing.
std::string frame_stream::mistakes(const frame_head& head, bool masked, unsigned reserved) const {
  std::string found;
  auto add = [&found](std::string_view what) {
    found.append(found.empty() ? "" : ", ").append(what);
  };
  for (int bit = 1; bit <= 3; ++bit)
    if ((reserved & (0x80U >> bit)) != 0)
      add("RSV" + std::to_string(bit) + " set");
  const bool in_message = message_op_ != no_message;
  switch (head.op) {
    case continuation:
      if (!in_message && phase_ == phase::open)
        add("continuation after FIN");
      break;
    case static_cast<uint8_t>(opcode::text):
    case static_cast<uint8_t>(opcode::binary):
      if (in_message && phase_ == phase::open)
        add("data before FIN");
      break;
    case static_cast<uint8_t>(opcode::close):
    case static_cast<uint8_t>(opcode::ping):
    case static_cast<uint8_t>(opcode::pong):
      if (head.length > 125)
        add("len > 125 for control");
      if (!head.fin)
        add("FIN not set on control");
      break;
    default:
      add("bad opcode " + std::to_string(head.op));
  }
  if (!masked)
    add("bad MASK");
  return found;
}

void frame_stream::on_frame(const frame_head& head, std::string_view payload) {
  switch (head.op) {
    case static_cast<uint8_t>(opcode::ping):
      if (phase_ == phase::open)
        outbox_.push_control(opcode::pong, relay::encode_frame(opcode::pong, payload));
      return;
    case static_cast<uint8_t>(opcode::pong):
      heard_ = std::chrono::steady_clock::now();
      return;
    case static_cast<uint8_t>(opcode::close):
      on_close_frame(payload);
      return;
    default:
      break;
  }
  if (head.op != continuation)
    message_op_ = head.op;
  if (!head.fin) {
    message_ += payload;
    return;
  }
  const auto op = std::exchange(message_op_, no_message);
  if (message_.empty()) {
    on_message(op, payload);
    return;
  }
  message_ += payload;
  const auto whole = std::exchange(message_, {});
  on_message(op, whole);
}

void frame_stream::on_message(uint8_t op, std::string_view body) {
  heard_ = std::chrono::steady_clock::now();
  const auto owner = owner_;
  if (!owner)
    return;
  if (op == static_cast<uint8_t>(opcode::binary))
    owner->on_binary(body);
  else if (hub::is_utf8(body))
    owner->on_text(body);
  else
    fail(1007, {});
}

// -- closing ------------------------------------------------------------------

void frame_stream::on_close_frame(std::string_view payload) {
  if (phase_ == phase::closing) {
    close_when_sent();
    return;
  }
  unsigned code = 0; // none; a payload of one byte has none either
  if (payload.size() >= 2) {
    code = static_cast<unsigned>(big_endian(payload.data(), 2));
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
}

void frame_stream::close(uint16_t code) {
  if (phase_ != phase::open)
    return;
  owner_.reset();
  send_close(code, {});
  phase_ = phase::closing;
  rest_.shrink_to_fit();
  std::string().swap(message_);
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
// wanted by a job that reads slowly, so a hang-up is given a second look.
void frame_stream::look_for_hang_up() {
  pollfd p{socket_.native_handle(), POLLRDHUP, 0};
  const bool gone = ::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
  hang_ups_seen_ = gone ? static_cast<uint8_t>(hang_ups_seen_ + 1) : uint8_t{0};
  if (hang_ups_seen_ >= 2)
    lost();
  else
    thread_.set_timer(watch_timer_, watch_interval);
}

} // namespace natterjack::pow
