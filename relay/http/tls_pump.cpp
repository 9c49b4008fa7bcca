#include "relay/http/tls_pump.hpp"

#include <boost/asio/local/stream_protocol.hpp>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <sys/socket.h>

namespace natterjack::relay {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using local = asio::local::stream_protocol;
using boost::system::error_code;

namespace {

constexpr size_t step_bytes = 16 << 10; // one record (RFC 8446 5.1)
constexpr int steps_a_turn = 32;        // then other sockets get their turn
constexpr auto linger_wait = std::chrono::seconds(5);

class tls_pump : public std::enable_shared_from_this<tls_pump> {
 public:
  /// @param inside  a local socket of the pump's own
  tls_pump(io_thread& thread, stream_socket&& inside, std::shared_ptr<void> place)
      : thread_(thread), outside_(thread.context()), inside_(thread.context()),
        place_(std::move(place)),
        linger_(this, [](void* self) { static_cast<tls_pump*>(self)->close(); }) {
    inside_.assign(local(), inside.descriptor());
    inside.release();
    inside_.non_blocking(true);
  }

  /// Takes both or, if it throws, neither.
  void take_client(stream_socket& outside, ssl_ptr& session) {
    outside_ = outside.to_asio();
    session_ = std::move(session);
  }

  void run() {
    for (int step = 0; step < steps_a_turn; ++step) {
      const bool in = move_in();
      const bool out = move_out();
      if (closed_ || (!in && !out)) {
        finish_turn();
        return;
      }
    }
    asio::post(thread_.context(), [self = shared_from_this()] { self->run(); });
  }

 private:
  using state = http_wire::state;

  // What one side has given and the other has not taken, and whether more may follow. Empty most of the
  // time: bytes go from a buffer of the thread, so that a quiet client holds no memory for them.
  struct half {
    std::string waiting;
    size_t done = 0; // bytes of it that are taken
    bool at_end = false; // nothing more comes from the one side
    bool told = false;   // the other side knows
    bool empty() const noexcept { return waiting.empty(); }
    std::string_view rest() const noexcept { return std::string_view(waiting).substr(done); }
    void keep(std::string_view left) {
      if (left.empty())
        std::string().swap(waiting), done = 0;
      else if (waiting.empty())
        waiting = left;
      else
        done = waiting.size() - left.size();
    }
  };

  static char* buffer() {
    thread_local char bytes[step_bytes];
    return bytes;
  }

  // From the client. @returns true if something moved
  bool move_in() {
    bool moved = false;
    auto bytes = in_.rest();
    if (in_.empty() && !in_.at_end) {
      ::ERR_clear_error();
      size_t got = 0;
      const auto n = ::SSL_read_ex(session_.get(), buffer(), step_bytes, &got);
      if (n == 1) {
        bytes = {buffer(), got};
        moved = true;
      } else {
        note(tls_state(session_.get(), n), in_.at_end);
        if (closed_)
          return false;
      }
    }
    while (!bytes.empty()) {
      const auto n = ::send(inside_.native_handle(), bytes.data(), bytes.size(),
                            MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
          want_inside_write_ = true;
        else
          bytes = {}; // nobody reads it any more
        break;
      }
      bytes.remove_prefix(static_cast<size_t>(n));
      moved = true;
    }
    in_.keep(bytes);
    if (in_.empty() && in_.at_end && !in_.told) {
      in_.told = true;
      error_code ignored;
      inside_.shutdown(local::socket::shutdown_send, ignored);
    }
    return moved;
  }

  // To the client.
  bool move_out() {
    if (closed_)
      return false;
    bool moved = false;
    auto bytes = out_.rest();
    if (out_.empty() && !out_.at_end) {
      const auto n = ::recv(inside_.native_handle(), buffer(), step_bytes, MSG_DONTWAIT);
      if (n > 0) {
        bytes = {buffer(), static_cast<size_t>(n)};
        moved = true;
      } else if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        want_inside_read_ = true;
      } else {
        out_.at_end = true;
      }
    }
    while (!bytes.empty()) {
      ::ERR_clear_error();
      size_t taken = 0;
      const auto n = ::SSL_write_ex(session_.get(), bytes.data(), bytes.size(), &taken);
      if (n != 1) {
        note(tls_state(session_.get(), n), out_.at_end);
        break;
      }
      bytes.remove_prefix(taken);
      moved = true;
    }
    out_.keep(bytes);
    if (!closed_ && out_.empty() && out_.at_end && !out_.told) {
      out_.told = true;
      ::ERR_clear_error();
      ::SSL_shutdown(session_.get());
      error_code ignored;
      outside_.shutdown(tcp::socket::shutdown_send, ignored);
      thread_.set_timer(linger_, linger_wait); // for the client's own end
    }
    return moved;
  }

  void note(state what, bool& at_end) {
    if (what == state::want_read)
      want_outside_read_ = true;
    else if (what == state::want_write)
      want_outside_write_ = true;
    else if (what == state::closed)
      at_end = true;
    else
      close();
  }

  void finish_turn() {
    if (closed_)
      return;
    if (in_.told && out_.told) {
      close();
      return;
    }
    wait(outside_, tcp::socket::wait_read, want_outside_read_, waiting_[0]);
    wait(outside_, tcp::socket::wait_write, want_outside_write_, waiting_[1]);
    wait(inside_, local::socket::wait_read, want_inside_read_, waiting_[2]);
    wait(inside_, local::socket::wait_write, want_inside_write_, waiting_[3]);
  }

  template <class Socket>
  void wait(Socket& socket, typename Socket::wait_type what, bool& wanted, bool& waiting) {
    if (!std::exchange(wanted, false) || waiting)
      return;
    waiting = true;
    socket.async_wait(what, [self = shared_from_this(), &waiting](error_code ec) {
      waiting = false;
      if (!ec && !self->closed_)
        self->run();
    });
  }

  void close() {
    if (std::exchange(closed_, true))
      return;
    linger_.cancel();
    error_code ignored;
    outside_.close(ignored);
    inside_.close(ignored);
    place_.reset();
  }

  io_thread& thread_;
  tcp::socket outside_;
  local::socket inside_;
  ssl_ptr session_;
  std::shared_ptr<void> place_;
  timer_wheel::timer linger_;
  half in_, out_;
  bool want_outside_read_ = false, want_outside_write_ = false;
  bool want_inside_read_ = false, want_inside_write_ = false;
  bool waiting_[4]{};
  bool closed_ = false;
};

} // namespace

stream_socket start_tls_pump(io_thread& thread, stream_socket&& socket, ssl_ptr&& session,
                             std::shared_ptr<void> place) {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0)
    throw boost::system::system_error(errno, boost::system::system_category(), "socketpair");
  stream_socket near(thread.context(), ends[0]);
  auto pump = std::make_shared<tls_pump>(thread, stream_socket(thread.context(), ends[1]),
                                         std::move(place));
  pump->take_client(socket, session);
  asio::post(thread.context(), [pump] { pump->run(); });
  return near;
}

} // namespace natterjack::relay
