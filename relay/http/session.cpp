#include "relay/http/session.hpp"

#include "hub/counters.hpp"
#include "relay/http/cors.hpp"
#include "relay/http/response_head.hpp"
#include "relay/http/socket_route.hpp"
#include "relay/http/upgrade.hpp"
#include "relay/websocket/connection.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <spdlog/spdlog.h>

#include <atomic>
#include <cerrno>
#include <sys/sendfile.h>

namespace natterjack::relay {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr size_t read_bytes = 8 << 10;
constexpr size_t sendfile_bytes = 256 << 10; // a turn

class http_session;

// The one answer a handler owes. Dropped without an answer, it gives 500, so that no client hangs.
class pending_reply {
 public:
  explicit pending_reply(std::shared_ptr<http_session> session) : session_(std::move(session)) {}
  ~pending_reply() { give(text_response(500, "the handler gave no answer")); }
  pending_reply(const pending_reply&) = delete;
  pending_reply& operator=(const pending_reply&) = delete;
  void give(http_response response);

 private:
  std::atomic<bool> given_{false};
  std::shared_ptr<http_session> session_;
};

class http_session final : public std::enable_shared_from_this<http_session> {
 public:
  http_session(io_thread& thread, tcp::socket&& socket, std::shared_ptr<gateway_context> gateway,
               std::shared_ptr<const router> routes, std::shared_ptr<connection_place> place)
      : thread_(thread), socket_(std::move(socket)), gateway_(std::move(gateway)),
        routes_(std::move(routes)), place_(std::move(place)),
        timer_(this, [](void* self) { static_cast<http_session*>(self)->on_timeout(); }) {
    error_code ignored;
    const auto remote = socket_.remote_endpoint(ignored);
    remote_ = remote.address().is_v6()
                  ? "[" + remote.address().to_string() + "]:" + std::to_string(remote.port())
                  : remote.address().to_string() + ":" + std::to_string(remote.port());
  }

  ~http_session() { set_phase(phase::answering); }

  io_thread& thread() noexcept { return thread_; }

  void start() { next_request(gateway_->limits.head_timeout); }

  // On the io thread.
  void respond(http_response response) {
    if (route_ != nullptr && route_->options) {
      const auto& options = *route_->options;
      if (options.websocket_relay && !response.header("X-WS-Relay").empty()) {
        const auto config = std::string(response.header("X-WS-Relay"));
        response.erase("X-WS-Relay");
        // The handler's own refusal or page goes before an upgrade.
        if (response.status < 300 && response.body.empty()) {
          relay(config, std::move(response));
          return;
        }
      }
      if (options.cors)
        add_cors(*options.cors, *request_, response);
    }
    write(std::move(response));
  }

 private:
  enum class phase : uint8_t { idle, head, body, answering, writing };

  // -- reading

  void next_request(std::chrono::nanoseconds wait) {
    set_phase(buffer_.size() == 0 ? phase::idle : phase::head);
    route_ = nullptr;
    request_.reset();
    parser_.emplace();
    parser_->header_limit(static_cast<uint32_t>(gateway_->limits.head_bytes));
    parser_->body_limit(gateway_->limits.body_bytes);
    parser_->eager(true);
    set_timer(phase_ == phase::idle ? wait : gateway_->limits.head_timeout);
    if (buffer_.size() == 0)
      read();
    else
      parse();
  }

  void read() {
    socket_.async_read_some(buffer_.prepare(read_bytes),
                            [self = shared_from_this()](error_code ec, size_t n) {
                              self->on_read(ec, n);
                            });
  }

  void on_read(error_code ec, size_t n) {
    if (timed_out_)
      return;
    if (ec) {
      if (phase_ == phase::body || phase_ == phase::head)
        spdlog::debug("{}: request cut off: {}", remote_, ec.message());
      close();
      return;
    }
    buffer_.commit(n);
    if (phase_ == phase::idle) {
      set_phase(phase::head);
      set_timer(gateway_->limits.head_timeout);
    } else if (phase_ == phase::body) {
      set_timer(gateway_->limits.body_timeout);
    }
    parse();
  }

  void parse() {
    error_code ec;
    while (buffer_.size() > 0 && !parser_->is_done()) {
      const auto used = parser_->put(buffer_.data(), ec);
      buffer_.consume(used);
      if (parser_->is_header_done() && phase_ == phase::head && !on_head())
        return;
      if (ec == http::error::need_more) {
        ec = {};
        break;
      }
      if (ec) {
        refuse(ec);
        return;
      }
      if (used == 0)
        break;
    }
    if (parser_->is_done()) {
      timer_.cancel();
      dispatch();
    } else if (phase_ == phase::head && buffer_.size() > gateway_->limits.head_bytes) {
      refuse(http::error::header_limit);
    } else {
      read();
    }
  }

  // Checks that need the head only. @returns false if the request has been refused
  bool on_head() {
    set_phase(phase::body);
    set_timer(gateway_->limits.body_timeout);
    const auto& head = parser_->get();
    size_t fields = 0;
    for (auto i = head.begin(); i != head.end(); ++i)
      ++fields;
    if (fields > gateway_->limits.header_count) {
      hub::count(hub::counter::limit_header_count);
      fail(text_response(431, "more than " + std::to_string(gateway_->limits.header_count) +
                                  " header fields"));
      return false;
    }
    if (head.count(http::field::host) > 1 ||
        (head.version() == 11 && head.count(http::field::host) == 0)) {
      fail(text_response(400, "a request has one Host header"));
      return false;
    }
    // RFC 9112 6.1: a coding that is not understood leaves the end of the body unknown.
    if (head.count(http::field::transfer_encoding) > 0 && !parser_->chunked()) {
      fail(text_response(501, "Transfer-Encoding \"" +
                                  std::string(head[http::field::transfer_encoding]) +
                                  "\" is not understood, only \"chunked\""));
      return false;
    }
    if (beast::iequals(head[http::field::expect], "100-continue") && !parser_->is_done()) {
      static constexpr char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
      error_code ignored; // 25 bytes fit into an empty send buffer
      socket_.send(asio::buffer(go_on, sizeof go_on - 1), 0, ignored);
    }
    return true;
  }

  void refuse(error_code ec) {
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
      hub::count(hub::counter::limit_head_bytes);
    else if (ec == http::error::body_limit)
      hub::count(hub::counter::limit_body_bytes);
    if (ec == http::error::header_limit || ec == http::error::buffer_overflow)
      fail(text_response(431, "request head exceeds " + std::to_string(gateway_->limits.head_bytes) +
                                  " bytes"));
    else if (ec == http::error::body_limit)
      fail(text_response(413, "request body exceeds " + std::to_string(gateway_->limits.body_bytes) +
                                  " bytes"));
    else if (ec == http::error::bad_version)
      fail(text_response(505, "HTTP/1.1 or HTTP/1.0 is spoken here"));
    else
      fail(text_response(400, "malformed request: " + ec.message()));
  }

  // Answers what was never a whole request, then closes.
  void fail(http_response response) {
    keep_alive_ = false;
    is_head_request_ = false;
    write(std::move(response));
  }

  void on_timeout() {
    if (phase_ != phase::head && phase_ != phase::body) {
      hub::count(phase_ == phase::idle ? hub::counter::limit_idle_timeout
                                       : hub::counter::limit_body_timeout);
      close();
      return;
    }
    hub::count(phase_ == phase::head ? hub::counter::limit_head_timeout
                                     : hub::counter::limit_body_timeout);
    timed_out_ = true; // the pending read ends without closing
    error_code ignored;
    socket_.cancel(ignored);
    fail(text_response(408, "the request did not arrive in time"));
  }

  // -- answering

  void dispatch() {
    set_phase(phase::answering);
    auto message = parser_->release();
    parser_.reset();
    keep_alive_ = message.keep_alive() && !gateway_->draining.load(std::memory_order_relaxed);
    auto request = std::make_shared<http_request>();
    request->method = message.method_string();
    is_head_request_ = request->method == "HEAD";
    request->target = message.target();
    request->host = message[http::field::host];
    request->remote_addr = remote_;
    request->headers.reserve(16);
    for (const auto& field : message)
      request->headers.emplace_back(field.name_string(), field.value());
    request->body = std::move(message.body());
    if (!split_target(*request)) {
      fail(text_response(400, "the request target is not a path, or has a broken % escape"));
      return;
    }
    find_route(std::move(request));
  }

  static bool split_target(http_request& request) {
    std::string_view target = request.target;
    if (target.starts_with("http://")) { // RFC 9112 3.2.2: absolute form
      const auto slash = target.find('/', 7);
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
    }
    if (!target.starts_with('/') && target != "*")
      return false;
    const auto mark = target.find('?');
    if (mark != std::string_view::npos)
      request.query = target.substr(mark + 1);
    return percent_decode(target.substr(0, mark), request.path);
  }

  void find_route(std::shared_ptr<http_request> request) {
    request_ = request;
    hub::count(hub::counter::http_requests);
    if (auto latest = gateway_->routes.load())
      routes_ = std::move(latest); // kept while the request lives
    auto match = routes_->find(request->method, request->path);
    if (match.found == nullptr && request->method == "OPTIONS" && !match.allow.empty()) {
      answer_options(match.allow);
      return;
    }
    if (match.found == nullptr) {
      auto response = match.allow.empty()
                          ? text_response(404, "no such path: " + request->path)
                          : text_response(405, request->method + " is not offered here, only " +
                                                   match.allow);
      if (!match.allow.empty())
        response.set("Allow", match.allow);
      write(std::move(response));
      return;
    }
    route_ = match.found;
    request->params = std::move(match.params);
    if ((route_->upgrade || route_->socket) && wants_websocket(*request)) {
      if (route_->socket)
        give_socket();
      else
        take_over();
      return;
    }
    if (!route_->handler) {
      write(text_response(426, "this endpoint speaks websocket: send an upgrade request"));
      return;
    }
    auto pending = std::make_shared<pending_reply>(shared_from_this());
    try {
      route_->handler(request, [pending](http_response response) {
        pending->give(std::move(response));
      });
    } catch (const std::exception& e) {
      spdlog::error("handler of {} {}: {}", request->method, route_->pattern, e.what());
      pending->give(text_response(500, "internal error"));
    }
  }

  // OPTIONS of a path that exists: preflight behind the middleware of its router.
  void answer_options(const std::string& allow) {
    const auto first = allow.substr(0, allow.find(','));
    const auto match = routes_->find(first, request_->path);
    http_response response;
    if (match.found != nullptr && match.found->options && match.found->options->cors)
      response = preflight(*match.found->options->cors, *request_);
    response.status = 204;
    response.set("Allow", allow + ", OPTIONS");
    write(std::move(response));
  }

  // -- upgrading

  // The endpoint wants a websocket: its response says to whom.
  void relay(const std::string& text, http_response response) {
    std::string error;
    auto config = parse_relay_config(text, error);
    if (config && !config->problems.empty())
      error = config->problems.front();
    if (!error.empty()) {
      spdlog::error("{} {}: X-WS-Relay: {}; found {}", request_->method, route_->pattern, error,
                    text);
      auto refused = text_response(500, "{\"error\":\"the endpoint's X-WS-Relay header is wrong; "
                                        "the server's log says what\"}");
      refused.set("Content-Type", "application/json");
      write(std::move(refused));
      return;
    }
    for (const auto& warning : config->warnings)
      spdlog::warn("{} {}: X-WS-Relay: {}", request_->method, route_->pattern, warning);
    const auto target = config->target_pid.value_or("");
    std::string why = "target_pid is missing";
    if (target.empty() ||
        (!hub::parse_pid(target, &why) && !gateway_->node.names().lookup(target))) {
      write(text_response(400, "Invalid target PID: " + why));
      return;
    }
    if (auto refusal = refuse_upgrade(*request_, route_->options->origins)) {
      write(std::move(*refusal));
      return;
    }
    connection_options options{gateway_, std::move(*config), route_->options->dialect};
    start_connection(thread_, make_transport(), *request_, response.headers, std::move(options));
  }

  // A route that upgrades by itself.
  void take_over() {
    const static origin_rule same_origin;
    if (auto refusal = refuse_upgrade(*request_, route_->options ? route_->options->origins
                                                                 : same_origin)) {
      write(std::move(*refusal));
      return;
    }
    route_->upgrade(request_, make_transport(), thread_);
  }

  // A route that speaks with the client in its own way.
  void give_socket() {
    if (auto refusal = route_->socket->refuse(*request_)) {
      write(std::move(*refusal));
      return;
    }
    const auto left = buffer_.data();
    route_->socket->take(request_, {std::move(socket_),
                                    {static_cast<const char*>(left.data()), left.size()},
                                    std::move(place_),
                                    thread_});
  }

  std::shared_ptr<ws_transport> make_transport() {
    const auto left = buffer_.data();
    return make_ws_transport(thread_, std::move(socket_), gateway_->limits,
                             {static_cast<const char*>(left.data()), left.size()},
                             std::move(place_));
  }

  // -- writing

  void write(http_response response) {
    set_phase(phase::writing);
    count_response(response.status);
    file_ = is_head_request_ ? nullptr : response.file;
    file_sent_ = 0;
    output_ = response_head(response, keep_alive_);
    if (!is_head_request_ && !response.file)
      output_ += response.body;
    written_ = 0;
    write_some();
  }

  static void count_response(unsigned status) {
    const auto of_class = std::clamp(status / 100, 1u, 5u) - 1;
    hub::count(static_cast<hub::counter>(static_cast<size_t>(hub::counter::responses_1xx) +
                                         of_class));
  }

  void write_some() {
    set_timer(gateway_->limits.body_timeout); // without progress
    socket_.async_write_some(asio::buffer(output_.data() + written_, output_.size() - written_),
                             [self = shared_from_this()](error_code ec, size_t n) {
                               if (ec) {
                                 self->close();
                                 return;
                               }
                               self->written_ += n;
                               if (self->written_ < self->output_.size())
                                 self->write_some();
                               else
                                 self->write_file();
                             });
  }

  void write_file() {
    if (!file_ || file_sent_ == file_->size()) {
      on_written();
      return;
    }
    set_timer(gateway_->limits.body_timeout);
    socket_.async_wait(tcp::socket::wait_write, [self = shared_from_this()](error_code ec) {
      if (ec) {
        self->close();
        return;
      }
      auto offset = static_cast<off_t>(self->file_sent_);
      const auto want = std::min(self->file_->size() - self->file_sent_, sendfile_bytes);
      const auto n = ::sendfile(self->socket_.native_handle(), self->file_->descriptor(), &offset, want);
      if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
        self->close(); // the file became shorter, or the client is gone
        return;
      }
      if (n > 0)
        self->file_sent_ += static_cast<size_t>(n);
      self->write_file();
    });
  }

  void on_written() {
    std::string().swap(output_);
    file_.reset();
    if (keep_alive_) {
      next_request(gateway_->limits.idle_timeout);
      return;
    }
    // Let the client read the answer: closing with unread input would turn it into a reset.
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    set_phase(phase::idle);
    set_timer(std::chrono::seconds(2));
    read_to_end();
  }

  void read_to_end() {
    buffer_.clear();
    socket_.async_read_some(buffer_.prepare(read_bytes),
                            [self = shared_from_this()](error_code ec, size_t) {
                              if (ec)
                                self->close();
                              else
                                self->read_to_end();
                            });
  }

  void close() {
    timer_.cancel();
    error_code ignored;
    socket_.close(ignored);
  }

  void set_phase(phase next) noexcept {
    if ((phase_ == phase::idle) != (next == phase::idle))
      gateway_->idle += next == phase::idle ? size_t{1} : size_t(-1);
    phase_ = next;
  }

  void set_timer(std::chrono::nanoseconds delay) { thread_.set_timer(timer_, delay); }

  io_thread& thread_;
  tcp::socket socket_;
  std::shared_ptr<gateway_context> gateway_;
  std::shared_ptr<const router> routes_;
  std::shared_ptr<connection_place> place_;
  timer_wheel::timer timer_;
  phase phase_ = phase::answering;
  bool keep_alive_ = true;
  bool is_head_request_ = false;
  bool timed_out_ = false;
  std::string remote_;
  beast::flat_buffer buffer_;
  std::optional<http::request_parser<http::string_body>> parser_;
  std::shared_ptr<const http_request> request_;
  const route* route_ = nullptr;
  std::string output_;
  size_t written_ = 0;
  std::shared_ptr<const open_file> file_;
  size_t file_sent_ = 0;
};

void pending_reply::give(http_response response) {
  if (given_.exchange(true))
    return;
  auto session = std::move(session_);
  auto& thread = session->thread();
  if (thread.is_current()) {
    session->respond(std::move(response));
    return;
  }
  auto shared = std::make_shared<http_response>(std::move(response));
  thread.push_call([session = std::move(session), shared] { session->respond(std::move(*shared)); });
}

} // namespace

void start_http_session(io_thread& thread, tcp::socket socket,
                        std::shared_ptr<gateway_context> gateway,
                        std::shared_ptr<const router> routes,
                        std::shared_ptr<connection_place> place) {
  std::make_shared<http_session>(thread, std::move(socket), std::move(gateway), std::move(routes),
                                 std::move(place))
      ->start();
}

} // namespace natterjack::relay
