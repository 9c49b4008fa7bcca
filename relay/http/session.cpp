#include "relay/http/session.hpp"

#include "hub/counters.hpp"
#include "relay/http/http_session.hpp"

#include <boost/asio/post.hpp>

#include <spdlog/spdlog.h>

#include <cerrno>
#include <sys/socket.h>

namespace natterjack::relay {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr int steps_a_turn = 32; // reads and requests, then other sockets get their turn

std::string text_of(const tcp::endpoint& remote) {
  const auto address = remote.address().to_string();
  return (remote.address().is_v6() ? "[" + address + "]" : address) + ":" +
         std::to_string(remote.port());
}

} // namespace

http_session::http_session(io_thread& thread, std::unique_ptr<http_wire> wire,
             const tcp::endpoint& remote,
             std::shared_ptr<gateway_context> gateway, std::shared_ptr<const router> routes,
             std::shared_ptr<connection_place> place)
    : thread_(thread), wire_(std::move(wire)), gateway_(std::move(gateway)),
      routes_(std::move(routes)), place_(std::move(place)), reader_(gateway_->limits, gateway_->websockets_only),
      writer_(thread, *wire_, *this),
      timer_(this, [](void* self) { static_cast<http_session*>(self)->on_timeout(); }),
      remote_(text_of(remote)) {}

http_session::~http_session() {
  set_phase(phase::closed);
  if (stream_)
    stream_->close();
  if (incoming_)
    incoming_->fail();
}

void http_session::start() {
  set_phase(phase::handshake);
  set_timer(gateway_->limits.head_timeout);
  run();
}

void http_session::run() {
  if (running_ || !is_reading())
    return;
  auto self = shared_from_this();
  running_ = true;
  for (int step = 0; is_reading(); ++step) {
    if (step == steps_a_turn) {
      waiting_ = true;
      asio::post(thread_.context(), [self] { self->go_on(); });
      break;
    }
    if (phase_ == phase::handshake)
      shake_hands();
    else
      read_on();
  }
  running_ = false;
}

void http_session::go_on() {
  waiting_ = false;
  run();
}

void http_session::wait_for(http_wire::state what) {
  waiting_ = true;
  wire_->socket().async_wait(what == http_wire::state::want_write ? tcp::socket::wait_write
                                                                  : tcp::socket::wait_read,
                             [self = shared_from_this()](error_code ec) {
                               self->waiting_ = false;
                               if (!ec)
                                 self->run();
                             });
}

void http_session::shake_hands() {
  const auto done = wire_->handshake();
  if (done == http_wire::state::ok) {
    begin_request(gateway_->limits.head_timeout);
  } else if (done == http_wire::state::want_read || done == http_wire::state::want_write) {
    wait_for(done);
  } else {
    spdlog::debug("{}: TLS handshake failed", remote_);
    close();
  }
}

void http_session::begin_request(std::chrono::nanoseconds idle) {
  route_ = nullptr;
  request_.reset();
  entered_ = 0;
  intake_failure_.reset();
  if (auto latest = gateway_->routes.load())
    routes_ = std::move(latest); // kept while the request lives
  const bool begun = reader_.has_begun();
  set_phase(begun ? phase::head : phase::idle);
  set_timer(begun ? gateway_->limits.head_timeout : idle);
}

void http_session::read_on() {
  switch (reader_.parse()) {
    case request_reader::outcome::need_more:
      if (phase_ != phase::body || !dispatch_early())
        read_some();
      break;
    case request_reader::outcome::head:
      set_phase(phase::body);
      set_timer(gateway_->limits.body_timeout);
      if (reader_.expects_continue())
        ask_for_body();
      break;
    case request_reader::outcome::done:
      timer_.cancel();
      dispatch();
      break;
    case request_reader::outcome::failed:
      fail(reader_.failure());
      break;
  }
}

void http_session::read_some() {
  const auto [to, size] = reader_.prepare();
  const auto got = wire_->read(to, size);
  switch (got.what) {
    case http_wire::state::ok:
      reader_.commit(got.bytes);
      if (phase_ == phase::idle) {
        set_phase(phase::head);
        set_timer(gateway_->limits.head_timeout);
      } else if (phase_ == phase::body) {
        set_timer(gateway_->limits.body_timeout);
      }
      break;
    case http_wire::state::want_read:
    case http_wire::state::want_write:
      wait_for(got.what);
      break;
    default:
      if (phase_ == phase::body || phase_ == phase::head)
        spdlog::debug("{}: request cut off", remote_);
      close();
  }
}

// A client that waits for a word hears at once that its body is not wanted.
void http_session::ask_for_body() {
  const auto& request = reader_.request();
  const auto match = routes_->find(request.method, request.raw_path);
  if (match.found == nullptr) {
    fail(not_found(request.method, request.path, match.allow));
    return;
  }
  static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
  writer_.push(std::string(go_on));
  writer_.flush();
}

// Answers what was never a whole request, then closes.
void http_session::fail(http_response response) {
  keep_alive_ = false;
  is_head_request_ = false;
  is_http_1_0_ = false;
  write(std::move(response));
}

void http_session::on_timeout() {
  hub::count(phase_ == phase::head   ? hub::counter::limit_head_timeout
             : phase_ == phase::idle ? hub::counter::limit_idle_timeout
                                     : hub::counter::limit_body_timeout);
  if (incoming_ && owns_timer())
    break_intake(text_response(408, "the request did not arrive in time"), 408);
  else if (phase_ == phase::head || phase_ == phase::body)
    fail(text_response(408, "the request did not arrive in time"));
  else
    close();
}

void http_session::read_to_end() {
  char thrown_away[16 << 10];
  for (int i = 0; i < steps_a_turn && phase_ == phase::lingering; ++i) {
    const auto n = ::recv(wire_->socket().descriptor(), thrown_away, sizeof thrown_away,
                          MSG_DONTWAIT);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)) {
      close();
      return;
    }
    if (n < 0)
      break;
  }
  wire_->socket().async_wait(tcp::socket::wait_read, [self = shared_from_this()](error_code ec) {
    if (!ec && self->phase_ == phase::lingering)
      self->read_to_end();
  });
}

void http_session::close() {
  if (phase_ == phase::closed)
    return;
  const auto self = shared_from_this(); // what is let go of below may be the last to hold this
  set_phase(phase::closed);
  timer_.cancel();
  wire_->socket().close();
  place_.reset();
  if (auto stream = std::exchange(stream_, nullptr))
    stream->close();
  if (auto incoming = std::exchange(incoming_, nullptr))
    incoming->fail();
  auto actor = std::move(events_actor_); // until it has heard
  if (auto* source = std::exchange(events_, nullptr))
    source->on_client_gone();
}

void http_session::set_phase(phase next) noexcept {
  const auto is_idle = [](phase p) { return p == phase::idle || p == phase::lingering; };
  if (is_idle(phase_) != is_idle(next))
    gateway_->idle += is_idle(next) ? size_t{1} : size_t(-1);
  phase_ = next;
}

void start_http_session(io_thread& thread, stream_socket socket, const tcp::endpoint& remote,
                        std::shared_ptr<gateway_context> gateway,
                        std::shared_ptr<const router> routes,
                        std::shared_ptr<connection_place> place) {
  const auto tls = gateway->tls.load();
  auto wire = tls ? make_tls_wire(std::move(socket), *tls) : make_plain_wire(std::move(socket));
  std::make_shared<http_session>(thread, std::move(wire), remote, std::move(gateway),
                                 std::move(routes), std::move(place))
      ->start();
}

} // namespace natterjack::relay
