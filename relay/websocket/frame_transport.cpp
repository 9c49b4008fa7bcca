#include "relay/websocket/frame_transport.hpp"

#include "relay/websocket/handshake.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace natterjack::relay {

namespace asio = boost::asio;

namespace {

// Of the thread, for one read of whatever is there; what is incomplete moves out of it before the next
// connection's turn.
constexpr size_t shared_read_bytes = 64 << 10;
std::array<char, shared_read_bytes>& shared_read_buffer() {
  thread_local std::array<char, shared_read_bytes> buffer;
  return buffer;
}

} // namespace

frame_transport::frame_transport(io_thread& thread, stream_socket&& socket,
                                 const gateway_limits& limits, std::string_view leftover,
                                 std::shared_ptr<void> place, deflate_terms deflate)
    : thread_(thread), place_(std::move(place)),
      watch_(asio::use_service<socket_watch>(thread.context())),
      box_(thread, limits, socket.descriptor(), *this), reader_(limits.message_bytes),
      deflate_bits_(static_cast<uint8_t>(deflate.window_bits)),
      deflate_keeps_context_(deflate.keeps_context) {
  reader_.keep(leftover);
  descriptor_ = socket.release(); // from here on it is ours to close
  try {
    watch_.add(descriptor_, *this);
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

void frame_transport::accept(const http_request& upgrade, const header_list& extra,
            caf::strong_actor_ptr owner_actor, ws_owner& owner) {
  owner_actor_ = std::move(owner_actor);
  owner_ = &owner;
  const auto agreed = agree_on_deflate(upgrade, {deflate_bits_, deflate_keeps_context_});
  deflate_bits_ = static_cast<uint8_t>(agreed.window_bits);
  if (agreed.window_bits != 0)
    reader_.allow_compressed(agreed.client_window_bits);
  // Behind the start of the owner's actor, which is queued already. The answer is written at the end of
  // this turn: a client that has read it has been announced to its hub, before whoever comes later.
  thread_.push_call([self = shared_from_this(),
                     answer = hub::shared_bytes(handshake_answer(upgrade, extra, agreed.answer))] {
    if (self->owner_ == nullptr)
      return;
    self->box_.push_raw(answer);
    self->owner_->on_open();
  });
}

void frame_transport::read() {
  if (owner_ == nullptr || closing_ || wants_message_)
    return;
  wants_message_ = true;
  if (!in_reader_)
    read_on();
}

outbox::admitted frame_transport::send(hub::shared_bytes frames, size_t messages) {
  const auto done = box_.push_data(std::move(frames), messages);
  if (ending_ && !std::exchange(ending_->is_looked_at, true))
    thread_.push_call([self = shared_from_this()] { self->look_for_answers(); });
  return done;
}

void frame_transport::send_ping() {
  thread_local const auto ping = encode_frame(opcode::ping, {});
  box_.push_control(opcode::ping, ping);
}

bool frame_transport::peer_is_gone() const noexcept {
  pollfd p{descriptor_, POLLRDHUP, 0};
  return p.fd < 0 || (::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

// -- outbox

void frame_transport::on_outbox_blocked() {
  waiting_write_ = true;
  watch_.wait_for_room(descriptor_, *this);
}

void frame_transport::on_outbox_drained() {
  if (lingering_)
    shut_down_output();
  else if (owner_ != nullptr)
    owner_->on_drained();
}

void frame_transport::on_outbox_failed() {
  ::shutdown(descriptor_, SHUT_RDWR);
  has_bytes_ = has_end_ = true;
  if (lingering_)
    shut_down_output();
  else if (wants_bytes() && !in_reader_)
    read_later(); // what came before the end is still wanted
  else
    finish({});
}

void frame_transport::on_outbox_slow() {
  if (owner_ != nullptr)
    owner_->on_slow();
}

// -- socket

void frame_transport::on_socket_event(uint32_t events) {
  const auto self = shared_from_this(); // the owner may let go
  if ((events & EPOLLOUT) != 0 && waiting_write_) {
    waiting_write_ = false;
    box_.flush();
  }
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) == 0)
    return;
  has_bytes_ = true;
  has_end_ = has_end_ || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
  if (output_shut_)
    read_to_end();
  else
    take_bytes();
}

// First what is here already, then the socket.
void frame_transport::read_on() {
  auto self = shared_from_this(); // the owner may let go
  in_reader_ = true;
  reader_.go_on(*this);
  in_reader_ = false;
  if (output_shut_)
    read_to_end();
  else
    wait_for_bytes();
}

// There is no second news of what is here already.
void frame_transport::wait_for_bytes() {
  if (has_bytes_ && wants_bytes() && !lingering_ && !ending_)
    read_later();
}

// In its turn, behind what others have to say.
void frame_transport::read_later() {
  if (reads_later_)
    return;
  reads_later_ = true;
  asio::post(thread_.context(), [self = shared_from_this()] {
    self->reads_later_ = false;
    if (self->output_shut_)
      self->read_to_end();
    else
      self->take_bytes();
  });
}

// One read into the thread's buffer. @returns as recv, less what was interrupted
ssize_t frame_transport::receive() noexcept {
  auto& shared = shared_read_buffer();
  ssize_t n;
  do
    n = ::recv(descriptor_, shared.data(), shared.size(), MSG_DONTWAIT);
  while (n < 0 && errno == EINTR);
  const bool is_empty = n < 0 ? errno == EAGAIN || errno == EWOULDBLOCK
                              : static_cast<size_t>(n) < shared.size();
  if (is_empty && !has_end_)
    has_bytes_ = false; // whatever comes now is news
  return n;
}

void frame_transport::take_bytes() {
  if (!has_bytes_ || lingering_ || ending_ || in_reader_ || descriptor_ < 0 || !wants_bytes())
    return;
  const auto n = receive();
  if (n < 0 && !has_bytes_)
    return;
  if (n <= 0) {
    finish({});
    return;
  }
  if (!broken_) {
    in_reader_ = true;
    reader_.take(shared_read_buffer().data(), static_cast<size_t>(n), *this);
    in_reader_ = false;
  }
  if (output_shut_)
    read_to_end();
  else
    wait_for_bytes();
}

// -- frames

bool frame_transport::on_message(bool is_text, std::string_view body) {
  wants_message_ = false;
  if (owner_ != nullptr && !closing_)
    owner_->on_message(is_text ? message_kind::text : message_kind::binary, body);
  return wants_message_;
}

void frame_transport::on_ping(std::string_view body) {
  box_.push_control(opcode::pong, encode_frame(opcode::pong, body));
}

void frame_transport::on_pong() {
  if (owner_ != nullptr)
    owner_->on_pong();
}

// RFC 6455 5.5.1: the answer to a close frame echoes its code; some clients show the reason.
void frame_transport::on_close_frame(uint16_t code, std::string_view reason) {
  ws_end end{true, code, std::string(reason)};
  if (closing_)
    finish(std::move(end)); // it answers ours
  else
    end_with(code == 1005 ? encode_frame(opcode::close, {}) : encode_close(code, reason),
             std::move(end));
}

void frame_transport::on_mistake(uint16_t code, std::string_view what) {
  if (owner_ == nullptr || closing_)
    return;
  if (code == 1009) {
    owner_->on_message_too_big();
  } else if (code == 1007) {
    owner_->on_not_utf8(); // it closes
    if (closing_)
      finish({});
  } else {
    broken_ = true; // what follows cannot be told apart
    end_with(encode_close(code, what), {});
  }
}

std::shared_ptr<ws_transport> make_ws_transport(io_thread& thread, stream_socket socket,
                                                const gateway_limits& limits,
                                                std::string_view leftover,
                                                std::shared_ptr<void> place, deflate_terms deflate) {
  return std::make_shared<frame_transport>(thread, std::move(socket), limits, leftover,
                                           std::move(place), deflate);
}

} // namespace natterjack::relay
