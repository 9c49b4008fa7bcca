// Our own frames on a socket, so that a client who says nothing holds a few hundred bytes, compressed
// connections included.
#include "relay/socket_watch.hpp"
#include "relay/websocket/deflate_offer.hpp"
#include "relay/websocket/frame_reader.hpp"
#include "relay/websocket/handshake.hpp"
#include "relay/websocket/transport.hpp"

#include <boost/asio/post.hpp>

#include <array>
#include <cerrno>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace natterjack::relay {

namespace asio = boost::asio;

namespace {

constexpr auto close_wait = std::chrono::seconds(5);  // for the client's close frame
constexpr auto linger_wait = std::chrono::seconds(2); // for the client's FIN
constexpr auto answer_wait = std::chrono::milliseconds(20); // for answers to a client that ends, so often:
constexpr uint8_t answer_waits = 5;

// Of the thread, for one read of whatever is there; what is incomplete moves out of it before the next
// connection's turn.
constexpr size_t shared_read_bytes = 64 << 10;
std::array<char, shared_read_bytes>& shared_read_buffer() {
  thread_local std::array<char, shared_read_bytes> buffer;
  return buffer;
}

class frame_transport final : public ws_transport,
                              public outbox_owner,
                              public frame_sink,
                              public socket_owner,
                              public std::enable_shared_from_this<frame_transport> {
 public:
  frame_transport(io_thread& thread, stream_socket&& socket, const gateway_limits& limits,
                  std::string_view leftover, std::shared_ptr<void> place, deflate_terms deflate)
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

  ~frame_transport() override { release_socket(); }

  void accept(const http_request& upgrade, const header_list& extra,
              caf::strong_actor_ptr owner_actor, ws_owner& owner) override {
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

  void read() override {
    if (owner_ == nullptr || closing_ || wants_message_)
      return;
    wants_message_ = true;
    if (!in_reader_)
      read_on();
  }

  int deflate_bits() const noexcept override { return deflate_bits_; }

  outbox::admitted send(hub::shared_bytes frames, size_t messages) override {
    const auto done = box_.push_data(std::move(frames), messages);
    if (ending_ && !std::exchange(ending_->is_looked_at, true))
      thread_.push_call([self = shared_from_this()] { self->look_for_answers(); });
    return done;
  }

  void send_ping() override {
    thread_local const auto ping = encode_frame(opcode::ping, {});
    box_.push_control(opcode::ping, ping);
  }

  void close(uint16_t code, std::string_view reason) override {
    if (closing_ || owner_ == nullptr)
      return;
    closing_ = true;
    reader_.drop_messages();
    set_deadline(close_wait);
    box_.push_control(opcode::close, encode_close(code, reason));
    if (!in_reader_)
      read_on(); // for the client's answer
  }

  void close_now(uint16_t code, std::string_view reason) override {
    box_.drop_data();
    close(code, reason);
  }

  void abort() override {
    close_socket();
    finish({});
  }

  size_t outbox_bytes() const noexcept override { return box_.bytes(); }
  uint64_t dropped() const noexcept override { return box_.dropped(); }
  bool is_draining() noexcept override { return box_.is_draining(); }

  bool peer_is_gone() const noexcept override {
    pollfd p{descriptor_, POLLRDHUP, 0};
    return p.fd < 0 || (::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
  }

 private:
  // -- outbox

  void on_outbox_blocked() override {
    waiting_write_ = true;
    watch_.wait_for_room(descriptor_, *this);
  }
  void on_outbox_drained() override {
    if (lingering_)
      shut_down_output();
    else if (owner_ != nullptr)
      owner_->on_drained();
  }
  void on_outbox_failed() override {
    ::shutdown(descriptor_, SHUT_RDWR);
    has_bytes_ = has_end_ = true;
    if (lingering_)
      shut_down_output();
    else if (wants_bytes() && !in_reader_)
      read_later(); // what came before the end is still wanted
    else
      finish({});
  }
  void on_outbox_slow() override {
    if (owner_ != nullptr)
      owner_->on_slow();
  }

  // -- reading

  // First what is here already, then the socket.
  void read_on() {
    auto self = shared_from_this(); // the owner may let go
    in_reader_ = true;
    reader_.go_on(*this);
    in_reader_ = false;
    if (output_shut_)
      read_to_end();
    else
      wait_for_bytes();
  }

  bool wants_bytes() const noexcept { return (wants_message_ || closing_) && owner_ != nullptr; }

  void on_socket_event(uint32_t events) override {
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

  // There is no second news of what is here already.
  void wait_for_bytes() {
    if (has_bytes_ && wants_bytes() && !lingering_ && !ending_)
      read_later();
  }

  // In its turn, behind what others have to say.
  void read_later() {
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
  ssize_t receive() noexcept {
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

  void take_bytes() {
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

  bool on_message(bool is_text, std::string_view body) override {
    wants_message_ = false;
    if (owner_ != nullptr && !closing_)
      owner_->on_message(is_text ? message_kind::text : message_kind::binary, body);
    return wants_message_;
  }

  void on_ping(std::string_view body) override {
    box_.push_control(opcode::pong, encode_frame(opcode::pong, body));
  }

  void on_pong() override {
    if (owner_ != nullptr)
      owner_->on_pong();
  }

  // RFC 6455 5.5.1: the answer to a close frame echoes its code; some clients show the reason.
  void on_close_frame(uint16_t code, std::string_view reason) override {
    ws_end end{true, code, std::string(reason)};
    if (closing_)
      finish(std::move(end)); // it answers ours
    else
      end_with(code == 1005 ? encode_frame(opcode::close, {}) : encode_close(code, reason),
               std::move(end));
  }

  void on_mistake(uint16_t code, std::string_view what) override {
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

  // The client has ended, or has to. What it asked before is answered first, if that takes no longer than
  // a moment: a hub has its messages already, and its answers are behind us in the queue of this thread.
  void end_with(hub::shared_bytes close_frame, ws_end end) {
    closing_ = true; // so that nobody closes in another way meanwhile
    reader_.stop();
    ending_ = std::make_unique<ending>(ending{std::move(close_frame), std::move(end), 0, false});
    if (owner_->owes_answers())
      set_deadline(answer_wait);
    else
      conclude();
  }

  void look_for_answers() {
    if (!ending_)
      return;
    ending_->is_looked_at = false;
    if (!owner_->owes_answers())
      conclude();
  }

  void conclude() {
    const auto last = std::move(ending_);
    box_.push_control(opcode::close, last->close_frame);
    finish(last->end);
  }

  // -- the end

  void set_deadline(std::chrono::nanoseconds wait) {
    deadline_.set(thread_, wait, this,
                  [](void* self) { static_cast<frame_transport*>(self)->on_deadline(); });
  }

  void on_deadline() {
    const auto self = shared_from_this();
    if (ending_) {
      if (++ending_->waits < answer_waits && owner_->has_unheard())
        set_deadline(answer_wait);
      else
        conclude();
      return;
    }
    close_socket();
    finish({});
  }

  // Tells the owner once, then waits a little for the client's FIN, so that closing with unread bytes
  // does not turn the close frame into a reset. A client whose close frame was the last we know of has no
  // such bytes.
  void finish(ws_end end) {
    auto self = shared_from_this();
    client_has_closed_ = end.clean;
    wants_message_ = false;
    reader_.stop();
    ending_.reset();
    if (owner_ != nullptr) {
      auto owner_actor = std::move(owner_actor_);
      std::exchange(owner_, nullptr)->on_closed(end);
    }
    if (lingering_)
      return;
    lingering_ = true;
    if (descriptor_ < 0) {
      deadline_.cancel();
      return;
    }
    // The owner lets go now, with our close frame still queued.
    watch_.hold(*this, self);
    if (box_.empty())
      shut_down_output();
    else // a client that does not read what is queued gets as long as for its close frame
      set_deadline(close_wait);
  }

  void shut_down_output() {
    if (descriptor_ < 0 || output_shut_)
      return;
    if (client_has_closed_ && !has_bytes_) {
      close_socket();
      return;
    }
    output_shut_ = true;
    ::shutdown(descriptor_, SHUT_WR);
    set_deadline(linger_wait);
    if (!in_reader_)
      read_to_end();
  }

  void read_to_end() {
    if (descriptor_ < 0 || !has_bytes_)
      return;
    const auto n = receive();
    if (n == 0 || (n < 0 && has_bytes_))
      close_socket();
    else if (has_bytes_)
      read_later();
  }

  void close_socket() {
    const auto self = watch_.let_go(*this); // may be the last that holds us: freed at the end
    deadline_.cancel();
    release_socket();
  }

  void release_socket() noexcept {
    if (descriptor_ < 0)
      return;
    box_.abandon();
    watch_.remove(descriptor_, *this);
    ::close(std::exchange(descriptor_, -1));
  }

  // What is sent last, once the client's questions have been answered.
  struct ending {
    hub::shared_bytes close_frame;
    ws_end end;
    uint8_t waits;     // of answer_wait, so far
    bool is_looked_at; // a look for the last answer is queued
  };

  io_thread& thread_;
  std::shared_ptr<void> place_; // keeps the gateway, and with it the limits
  socket_watch& watch_;
  outbox box_;
  frame_reader reader_;
  caf::strong_actor_ptr owner_actor_;
  ws_owner* owner_ = nullptr;
  rare_timer deadline_;
  std::unique_ptr<ending> ending_;
  int descriptor_ = -1;  // -1: closed
  uint8_t deflate_bits_; // offered at first, then agreed to
  bool deflate_keeps_context_ : 1;
  bool wants_message_ : 1 = false;
  bool has_bytes_ : 1 = false;   // as far as we know
  bool has_end_ : 1 = false;     // behind them
  bool reads_later_ : 1 = false; // is posted
  bool in_reader_ : 1 = false;
  bool waiting_write_ : 1 = false;
  bool closing_ : 1 = false;   // our close frame is queued
  bool broken_ : 1 = false;    // bytes make no sense any more
  bool lingering_ : 1 = false; // the owner has been told of the end
  bool output_shut_ : 1 = false;
  bool client_has_closed_ : 1 = false; // with a frame
};

} // namespace

std::shared_ptr<ws_transport> make_ws_transport(io_thread& thread, stream_socket socket,
                                                const gateway_limits& limits,
                                                std::string_view leftover,
                                                std::shared_ptr<void> place, deflate_terms deflate) {
  return std::make_shared<frame_transport>(thread, std::move(socket), limits, leftover,
                                           std::move(place), deflate);
}

} // namespace natterjack::relay
