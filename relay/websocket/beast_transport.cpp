// The transport of connections that may be compressed (permessage-deflate); the others have
// frame_transport. The one file with a Beast stream: instantiating it takes half a minute.
#include "relay/websocket/transport.hpp"

#include "hub/payload.hpp"
#include "relay/websocket/deflate_offer.hpp"

#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <boost/beast/zlib/error.hpp>

#include <array>
#include <functional>
#include <poll.h>

namespace natterjack::relay {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = beast::websocket;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto close_wait = std::chrono::seconds(5);  // for the client's close frame
constexpr auto linger_wait = std::chrono::seconds(2); // for the client's FIN

// Beast's next layer: reads from the socket (after what came behind the request head), writes into the
// outbox, so that Beast's pongs and close frames keep their place among our frames.
class out_stream final : public outbox_owner {
 public:
  using executor_type = tcp::socket::executor_type;
  using next_layer_type = tcp::socket;

  out_stream(io_thread& thread, tcp::socket&& accepted, const gateway_limits& limits,
             std::string_view leftover)
      : socket(std::move(accepted)), box(thread, limits, socket.native_handle(), *this),
        leftover_(leftover) {}

  executor_type get_executor() { return socket.get_executor(); }
  tcp::socket& next_layer() { return socket; }

  template <class Buffers, class Handler>
  auto async_read_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(error_code, size_t)>(
        [this](auto done, const Buffers& to) {
          if (leftover_.empty()) {
            socket.async_read_some(to, std::move(done));
            return;
          }
          const auto n = asio::buffer_copy(to, asio::buffer(leftover_));
          leftover_.erase(0, n);
          if (leftover_.empty())
            std::string().swap(leftover_);
          asio::post(get_executor(), beast::bind_front_handler(std::move(done), error_code{}, n));
        },
        handler, buffers);
  }

  template <class Buffers, class Handler>
  auto async_write_some(const Buffers& buffers, Handler&& handler) {
    return asio::async_initiate<Handler, void(error_code, size_t)>(
        [this](auto done, const Buffers& from) {
          const auto n = asio::buffer_size(from);
          auto bytes = hub::shared_bytes::make(n, [&from, n](char* to) {
            asio::buffer_copy(asio::mutable_buffer(to, n), from);
          });
          const auto op = established && n > 0 ? bytes.data()[0] & 0x0f : 0;
          if (op == static_cast<int>(opcode::close))
            box.push_control(opcode::close, close_echo.empty() ? std::move(bytes) : close_echo);
          else if (op == static_cast<int>(opcode::pong))
            box.push_control(opcode::pong, std::move(bytes));
          else
            box.push_raw(std::move(bytes));
          asio::post(get_executor(), beast::bind_front_handler(std::move(done), error_code{}, n));
        },
        handler, buffers);
  }

  void on_outbox_blocked() override {
    if (waiting_)
      return;
    waiting_ = true;
    socket.async_wait(tcp::socket::wait_write,
                      [this, alive = keep_alive()](error_code ec) {
                        waiting_ = false;
                        if (!ec)
                          box.flush();
                      });
  }
  void on_outbox_drained() override {
    if (auto done = std::exchange(when_drained, nullptr))
      done();
    if (drained)
      drained();
  }
  void on_outbox_failed() override {
    if (auto done = std::exchange(when_drained, nullptr))
      done();
    error_code ignored;
    socket.shutdown(tcp::socket::shutdown_both, ignored); // the pending read ends with it
  }
  void on_outbox_slow() override {
    if (slow)
      slow();
  }

  tcp::socket socket;
  outbox box;
  bool established = false;
  hub::shared_bytes close_echo; // the client's close frame: Beast's answer leaves its reason out
  std::function<std::shared_ptr<void>()> keep_alive;
  std::function<void()> when_drained; // once
  std::function<void()> drained;
  std::function<void()> slow;

 private:
  std::string leftover_;
  bool waiting_ = false;
};

// Found by Beast when a closing handshake is done: what is queued leaves first, the close frame last.
template <class Handler>
void async_teardown(beast::role_type, out_stream& stream, Handler&& handler) {
  auto done = [&stream, handler = std::make_shared<std::decay_t<Handler>>(
                            std::forward<Handler>(handler))] {
    error_code ignored;
    stream.socket.shutdown(tcp::socket::shutdown_send, ignored);
    asio::post(stream.get_executor(), [handler] { (*handler)(error_code{}); });
  };
  if (stream.box.empty())
    done();
  else
    stream.when_drained = done;
}

beast::http::request<beast::http::string_body> to_beast(const http_request& request,
                                                        const std::optional<deflate_offer>& chosen) {
  beast::http::request<beast::http::string_body> result;
  result.method_string(request.method);
  result.target(request.target);
  result.version(11);
  for (const auto& [name, value] : request.headers)
    result.insert(name, value);
  // Connection on two lines is one list (RFC 9110 5.2), which Beast does not put together.
  result.set(beast::http::field::connection, "Upgrade");
  // Beast looks at one offer of one line, and takes a window that it cannot do for a larger one.
  result.erase(beast::http::field::sec_websocket_extensions);
  if (chosen)
    result.set(beast::http::field::sec_websocket_extensions, chosen->text);
  return result;
}

// RFC 6455 5.5.1: the answer to a close frame usually echoes its code; some clients show the reason.
hub::shared_bytes echo_of(const websocket::close_reason& reason) {
  if (reason.code == websocket::close_code::none)
    return encode_frame(opcode::close, {});
  if (reason.code >= 5000) // RFC 6455 7.4.2: nobody's; Beast lets them through
    return encode_close(1002, {});
  return encode_close(reason.code, {reason.reason.data(), reason.reason.size()});
}

// Of our answer's permessage-deflate; RFC 7692 7.1.2.1: 15 if nothing is said.
int agreed_window_bits(beast::string_view extensions) {
  if (extensions.find("permessage-deflate") == beast::string_view::npos)
    return 0;
  constexpr std::string_view name = "server_max_window_bits=";
  const std::string text(extensions.data(), extensions.size());
  const auto at = text.find(name);
  return at == std::string::npos ? 15 : std::atoi(text.c_str() + at + name.size());
}

bool is_inflate_error(error_code ec) noexcept {
  return ec && ec.category() == error_code(beast::zlib::error::need_buffers).category();
}

class beast_transport final : public ws_transport,
                              public std::enable_shared_from_this<beast_transport> {
 public:
  beast_transport(io_thread& thread, tcp::socket&& socket, const gateway_limits& limits,
                  std::string_view leftover, std::shared_ptr<void> place, int window_bits)
      : thread_(thread), limits_(limits), place_(std::move(place)), deflate_window_(window_bits),
        stream_(thread, std::move(socket), limits, leftover),
        deadline_(this, [](void* self) { static_cast<beast_transport*>(self)->on_deadline(); }) {}

  void accept(const http_request& upgrade, const header_list& extra,
              caf::strong_actor_ptr owner_actor, ws_owner& owner) override {
    owner_actor_ = std::move(owner_actor);
    owner_ = &owner;
    out().keep_alive = [weak = weak_from_this()]() -> std::shared_ptr<void> { return weak.lock(); };
    out().drained = [this] {
      if (owner_ != nullptr)
        owner_->on_drained();
    };
    out().slow = [this] {
      if (owner_ != nullptr)
        owner_->on_slow();
    };
    websocket::stream_base::timeout none{websocket::stream_base::none(),
                                         websocket::stream_base::none(), false};
    stream_.set_option(none); // the io thread's wheel does the timing
    stream_.read_message_max(0); // counted here: the close code depends on the dialect
    websocket::permessage_deflate options;
    options.server_enable = true;
    options.server_max_window_bits = deflate_window_;
    const auto chosen = choose_deflate(upgrade);
    // RFC 7692 7.1.2.2: a client that does not say it can may not be asked for a smaller window.
    if (chosen && chosen->client_can_shrink)
      options.client_max_window_bits = deflate_window_;
    stream_.set_option(options);
    stream_.set_option(websocket::stream_base::decorator([this, extra](websocket::response_type& res) {
      res.erase(beast::http::field::server);
      res.set(beast::http::field::connection, "Upgrade");
      deflate_bits_ = agreed_window_bits(res[beast::http::field::sec_websocket_extensions]);
      for (const auto& [name, value] : extra)
        res.insert(name, value);
    }));
    stream_.control_callback([this](websocket::frame_type kind, beast::string_view) {
      if (kind == websocket::frame_type::pong && owner_ != nullptr)
        owner_->on_pong();
      if (kind == websocket::frame_type::close)
        out().close_echo = echo_of(stream_.reason());
      // The answer leaves behind what is queued; a client that does not read it gets so much time.
      if (kind == websocket::frame_type::close && !deadline_.is_set())
        thread_.set_timer(deadline_, close_wait);
    });
    stream_.async_accept(to_beast(upgrade, chosen), [self = shared_from_this()](error_code ec) {
      if (ec) {
        self->finish(ec);
        return;
      }
      self->out().established = true;
      if (self->owner_ != nullptr)
        self->owner_->on_open();
    });
  }

  void read() override {
    if (reading_ || owner_ == nullptr)
      return;
    reading_ = true;
    read_some();
  }

  int deflate_bits() const noexcept override { return deflate_bits_; }

  outbox::admitted send(hub::shared_bytes frames, size_t messages) override {
    return out().box.push_data(std::move(frames), messages);
  }

  void send_ping() override {
    static const auto ping = encode_frame(opcode::ping, {});
    out().box.push_control(opcode::ping, ping);
  }

  void close(uint16_t code, std::string_view reason) override {
    if (closing_ || owner_ == nullptr)
      return;
    closing_ = true;
    thread_.set_timer(deadline_, close_wait);
    websocket::close_reason why(static_cast<websocket::close_code>(code),
                                beast::string_view(reason.data(), reason.size()));
    stream_.async_close(why, [self = shared_from_this()](error_code ec) { self->finish(ec); });
  }

  void close_now(uint16_t code, std::string_view reason) override {
    out().box.drop_data();
    close(code, reason);
  }

  void abort() override {
    error_code ignored;
    out().socket.close(ignored);
    finish(asio::error::connection_aborted);
  }

  size_t outbox_bytes() const noexcept override { return out().box.bytes(); }
  uint64_t dropped() const noexcept override { return out().box.dropped(); }

  bool peer_is_gone() const noexcept override {
    pollfd p{const_cast<beast_transport*>(this)->out().socket.native_handle(), POLLRDHUP, 0};
    return p.fd < 0 || (::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
  }

 private:
  out_stream& out() noexcept { return stream_.next_layer(); }
  const out_stream& out() const noexcept { return stream_.next_layer(); }

  void read_some() {
    auto done = [self = shared_from_this()](error_code ec, size_t n) { self->on_read(ec, n); };
    if (message_.empty()) {
      stream_.async_read_some(asio::buffer(small_), std::move(done));
      return;
    }
    // Grows with what has come, so that a header alone cannot make us allocate its length.
    const auto room = std::clamp<size_t>(message_.size(), 4096, 64 << 10);
    filled_ = message_.size();
    message_.resize(filled_ + room);
    stream_.async_read_some(asio::mutable_buffer(message_.data() + filled_, room),
                            std::move(done));
  }

  void on_read(error_code ec, size_t n) {
    if (ec) {
      // Beast says why it closes, but for data that cannot be inflated.
      if (is_inflate_error(ec) && !closing_)
        out().box.push_control(opcode::close, encode_close(1002, "broken compressed data"));
      finish(ec);
      return;
    }
    if (owner_ == nullptr || closing_) {
      reading_ = false; // async_close reads on and throws away
      return;
    }
    const bool done = stream_.is_message_done();
    if (!message_.empty())
      message_.resize(filled_ + n);
    const auto size = message_.empty() ? n : message_.size();
    if (size > limits_.message_bytes) {
      reading_ = false;
      std::string().swap(message_);
      owner_->on_message_too_big();
      return;
    }
    if (!done) {
      if (message_.empty())
        message_.assign(small_.data(), n);
      read_some();
      return;
    }
    reading_ = false;
    // Taken out first: the owner may ask for the next message while it has this one.
    const auto whole = std::exchange(message_, {});
    const std::string_view body = whole.empty() ? std::string_view(small_.data(), n) : whole;
    // Beast lets a text through that ends inside a character when an empty final frame follows.
    if (stream_.got_text() && !hub::is_utf8(body))
      owner_->on_not_utf8();
    else
      owner_->on_message(stream_.got_text() ? message_kind::text : message_kind::binary, body);
  }

  void on_deadline() {
    error_code ignored;
    out().socket.close(ignored);
    finish(asio::error::timed_out);
  }

  // Tells the owner once, then waits a little for the client's FIN, so that closing with unread bytes
  // does not turn the close frame into a reset.
  void finish(error_code ec) {
    auto self = shared_from_this();
    reading_ = false;
    deadline_.cancel();
    if (owner_ != nullptr) {
      ws_end end;
      end.clean = ec == websocket::error::closed || !ec;
      if (end.clean && out().established) {
        end.code = stream_.reason().code == 0 ? uint16_t{1005} : stream_.reason().code;
        end.reason.assign(stream_.reason().reason.data(), stream_.reason().reason.size());
      }
      auto owner_actor = std::move(owner_actor_);
      auto* owner = std::exchange(owner_, nullptr);
      owner->on_closed(end);
    }
    if (lingering_)
      return;
    lingering_ = true;
    out().drained = nullptr;
    out().slow = nullptr;
    if (!out().socket.is_open())
      return;
    thread_.set_timer(linger_, linger_wait);
    if (out().box.empty()) {
      shut_down();
    } else {
      out().when_drained = [self] { self->shut_down(); };
    }
  }

  void shut_down() {
    error_code ignored;
    out().socket.shutdown(tcp::socket::shutdown_send, ignored);
    read_to_end();
  }

  void read_to_end() {
    out().socket.async_read_some(asio::buffer(small_),
                                 [self = shared_from_this()](error_code ec, size_t) {
                                   if (ec)
                                     self->close_socket();
                                   else
                                     self->read_to_end();
                                 });
  }

  void close_socket() {
    linger_.cancel();
    out().when_drained = nullptr;
    error_code ignored;
    out().socket.close(ignored);
  }

  io_thread& thread_;
  const gateway_limits& limits_; // of the gateway, which `place_` keeps
  std::shared_ptr<void> place_;
  int deflate_window_;
  websocket::stream<out_stream, true> stream_;
  caf::strong_actor_ptr owner_actor_;
  ws_owner* owner_ = nullptr;
  int deflate_bits_ = 0;   // agreed for our frames
  bool reading_ = false;
  bool closing_ = false;
  bool lingering_ = false;
  size_t filled_ = 0;
  std::string message_;          // a message that did not fit into small_
  std::array<char, 512> small_;  // most messages are short
  timer_wheel::timer deadline_;
  timer_wheel::timer linger_{this, [](void* self) {
                               static_cast<beast_transport*>(self)->close_socket();
                             }};
};

} // namespace

std::shared_ptr<ws_transport> make_deflating_transport(io_thread& thread, tcp::socket socket,
                                                       const gateway_limits& limits,
                                                       std::string_view leftover,
                                                       std::shared_ptr<void> place,
                                                       int window_bits) {
  return std::make_shared<beast_transport>(thread, std::move(socket), limits, leftover,
                                           std::move(place), window_bits);
}

} // namespace natterjack::relay
