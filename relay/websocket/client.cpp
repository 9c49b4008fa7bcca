#include "relay/websocket/client.hpp"

#include "relay/client_stream.hpp"
#include "relay/inbound_budget.hpp"
#include "relay/io_pool.hpp"
#include "relay/websocket/connection_requests.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/websocket.hpp>
#include <boost/beast/websocket/ssl.hpp>

#include <deque>

namespace natterjack::relay {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace websocket = boost::beast::websocket;

// That of a client: another message may be read.
class client_budget final : public inbound_budget {
 public:
  client_budget(const socket_options& options, std::function<void()> room)
      : inbound_budget(options.unheard, options.unheard_bytes), room_(std::move(room)) {}

 private:
  void room_again() noexcept override { room_(); }
  const std::function<void()> room_;
};

// One for each kind of stream. Everything but `send`, `ping` and `close` runs on its io thread.
template <class Stream>
class open_socket final : public websocket_client,
                          public std::enable_shared_from_this<open_socket<Stream>> {
 public:
  open_socket(io_thread& thread, socket_options options, socket_events events)
      : thread_(thread), options_(std::move(options)), events_(std::move(events)),
        pause_(thread.context(), asio::steady_timer::time_point::max()) {}

  void start() {
    budget_ = caf::make_counted<client_budget>(options_, [weak = this->weak_from_this()] {
      if (auto self = weak.lock())
        self->post([self] { self->pause_.cancel(); });
    });
    asio::co_spawn(thread_.context(), run(this->shared_from_this()), asio::detached);
  }

  bool send(std::string bytes, bool is_binary, std::function<void(bool)> done) override {
    if (closed_.load() || waiting_.load() + bytes.size() > options_.queue_max)
      return false;
    waiting_ += bytes.size();
    post([self = this->shared_from_this(), bytes = std::move(bytes), is_binary,
          done = std::move(done)]() mutable {
      if (self->closed_) { // since it was asked for: nobody writes any more
        if (done)
          done(false);
        return;
      }
      self->queue_.push_back({frame::data, std::move(bytes), is_binary, std::move(done), 0});
      self->write();
    });
    return true;
  }
  void ping() override {
    post([self = this->shared_from_this()] {
      self->queue_.push_back({frame::ping, {}, false, {}, 0});
      self->write();
    });
  }
  void close(unsigned code, std::string reason) override {
    post([self = this->shared_from_this(), code, reason = std::move(reason)]() mutable {
      self->queue_.push_back({frame::close, as_utf8(reason), false, {}, code});
      self->write();
    });
  }

 private:
  struct frame {
    enum kind : uint8_t { data, ping, close };
    kind what;
    std::string bytes;
    bool is_binary = false;
    std::function<void(bool)> done;
    unsigned code = 0;
  };

  template <class Work> void post(Work&& work) {
    asio::post(thread_.context(), std::forward<Work>(work));
  }

  static asio::awaitable<void> run(std::shared_ptr<open_socket> self) {
    unsigned code = 0;
    std::string reason;
    try {
      co_await self->connect();
      self->is_open_ = true;
      self->events_.on_open(self->protocol_);
      self->write();
      co_await self->read();
    } catch (...) {
      code = self->is_open_ ? 1006 : 0;
      reason = explain_client_error(std::current_exception());
      if (self->stream_ && self->stream_->reason().code != 0) {
        code = self->stream_->reason().code;
        reason = std::string(self->stream_->reason().reason.c_str());
      }
    }
    self->closed_ = true;
    for (auto& one : self->queue_)
      if (one.done)
        one.done(false);
    self->queue_.clear();
    self->events_.on_close(code, reason);
    self->events_ = {};
    if (self->stream_)
      beast::get_lowest_layer(*self->stream_).close();
  }

  asio::awaitable<void> connect() {
    std::string why;
    const auto where = parse_url(options_.url, "ws", "wss", why);
    if (!where)
      throw std::runtime_error(why);
    if (const auto bad = find_bad_header(options_.headers); !bad.empty())
      throw std::runtime_error(bad);
    for (const auto& one : options_.protocols)
      if (!is_token(one)) // RFC 6455 4.1
        throw std::runtime_error("the name of a subprotocol is no token: it is empty, or has blanks or "
                                 "separators");
    const auto deadline =
        std::chrono::steady_clock::now() +
        std::chrono::duration_cast<std::chrono::steady_clock::duration>(options_.dial_timeout);
    auto executor = thread_.context().get_executor();
    if constexpr (std::is_same_v<Stream, beast::tcp_stream>) {
      auto below = co_await connect_plain(executor, *where, deadline);
      stream_ = std::make_unique<websocket::stream<Stream>>(std::move(below));
    } else {
      context_ = std::make_unique<asio::ssl::context>(make_client_context(options_.tls));
      auto below = co_await connect_tls(executor, *context_, *where, options_.tls, deadline);
      stream_ = std::make_unique<websocket::stream<Stream>>(std::move(below));
    }
    stream_->read_message_max(options_.message_max);
    stream_->set_option(websocket::stream_base::decorator([this](websocket::request_type& head) {
      for (const auto& [name, value] : options_.headers)
        head.set(name, value);
      std::string protocols;
      for (const auto& one : options_.protocols)
        protocols += (protocols.empty() ? "" : ", ") + one;
      if (!protocols.empty())
        head.set(boost::beast::http::field::sec_websocket_protocol, protocols);
    }));
    websocket::response_type answer;
    co_await stream_->async_handshake(answer, where->authority, where->target,
                                      asio::use_awaitable);
    protocol_ = std::string(answer[boost::beast::http::field::sec_websocket_protocol]);
    beast::get_lowest_layer(*stream_).expires_never();
    stream_->set_option(
        websocket::stream_base::timeout::suggested(beast::role_type::client));
  }

  asio::awaitable<void> read() {
    for (;;) {
      co_await until_heard();
      beast::flat_buffer buffer;
      co_await stream_->async_read(buffer, asio::use_awaitable);
      auto bytes = beast::buffers_to_string(buffer.data());
      auto credit = budget_->take(bytes.size());
      events_.on_message(std::move(bytes), stream_->got_binary(), std::move(credit));
    }
  }

  // The timer is only a bell: rung where there is room, and where the end is read at once.
  asio::awaitable<void> until_heard() {
    while (!closes_ && !budget_->has_room()) {
      beast::error_code rung;
      co_await pause_.async_wait(asio::redirect_error(asio::use_awaitable, rung));
    }
  }

  // One frame at a time; the next one behind it.
  void write() {
    if (!is_open_ || writing_ || queue_.empty() || closed_)
      return;
    writing_ = true;
    auto& next = queue_.front();
    auto wrote = [self = this->shared_from_this()](beast::error_code problem, size_t = 0) {
      self->writing_ = false;
      if (self->queue_.empty())
        return;
      auto done = std::move(self->queue_.front());
      self->queue_.pop_front();
      if (done.what == frame::data)
        self->waiting_ -= done.bytes.size();
      if (done.done)
        done.done(!problem);
      if (!problem)
        self->write();
    };
    switch (next.what) {
      case frame::data:
        stream_->binary(next.is_binary);
        stream_->async_write(asio::buffer(next.bytes), std::move(wrote));
        break;
      case frame::ping:
        stream_->async_ping({}, std::move(wrote));
        break;
      case frame::close:
        closes_ = true; // drops what is unread
        pause_.cancel();
        stream_->async_close({static_cast<websocket::close_code>(next.code),
                              cut_reason(next.bytes)},
                             std::move(wrote));
        break;
    }
  }

  io_thread& thread_;
  socket_options options_;
  socket_events events_;
  std::unique_ptr<asio::ssl::context> context_;
  std::unique_ptr<websocket::stream<Stream>> stream_;
  std::string protocol_;
  std::deque<frame> queue_;
  caf::intrusive_ptr<client_budget> budget_;
  asio::steady_timer pause_;
  std::atomic<size_t> waiting_{0};
  std::atomic<bool> closed_{false};
  bool is_open_ = false;
  bool closes_ = false;
  bool writing_ = false;
};

} // namespace

std::shared_ptr<websocket_client> websocket_client::open(io_pool& threads, socket_options options,
                                                         socket_events events) {
  if (options.url.starts_with("wss:")) {
    auto made = std::make_shared<open_socket<tls_client_stream>>(
        threads.next(), std::move(options), std::move(events));
    made->start();
    return made;
  }
  auto made = std::make_shared<open_socket<beast::tcp_stream>>(threads.next(), std::move(options),
                                                               std::move(events));
  made->start();
  return made;
}

} // namespace natterjack::relay
