#include "relay/gateway.hpp"

#include "hub/counters.hpp"
#include "relay/http/session.hpp"
#include "relay/websocket/connection.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <spdlog/spdlog.h>

#include <cerrno>
#include <map>
#include <mutex>
#include <sys/socket.h>
#include <system_error>

namespace natterjack::relay {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;

namespace {

constexpr auto accept_pause = std::chrono::milliseconds(100);
constexpr int accepts_a_turn = 64; // then other sockets get their turn

http_handler constant(unsigned status, const char* text) {
  return [status, text](const auto&, const http_reply& reply) {
    reply(text_response(status, text));
  };
}

} // namespace

struct gateway::state : std::enable_shared_from_this<gateway::state> {
  state(hub::node& node, io_pool& pool, gateway_options given)
      : threads(pool), options(std::move(given)), routes(std::make_shared<router>()),
        acceptor(pool.front().context()),
        pause(this, [](void* self) { static_cast<state*>(self)->wait_for_clients(); }) {
    context = std::make_shared<gateway_context>(node, node.host(options.entry_id), options.limits);
    context->websockets_only = options.websockets_only;
  }

  void wait_for_clients() {
    if (acceptor.is_open())
      acceptor.async_wait(tcp::acceptor::wait_read, [self = shared_from_this()](error_code ec) {
        if (!ec)
          self->accept_waiting();
      });
  }

  // Whoever waits, up to a number: they are served in one turn, so that hubs hear of them together.
  void accept_waiting() {
    for (int i = 0; i < accepts_a_turn; ++i) {
      tcp::endpoint remote;
      auto length = static_cast<socklen_t>(remote.capacity());
      const int descriptor = ::accept4(acceptor.native_handle(), remote.data(), &length,
                                       SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (descriptor < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        break;
      if (descriptor < 0 && is_of_client(errno))
        continue;
      if (descriptor < 0)
        return pause_accepting(errno);
      pausing = false;
      remote.resize(length);
      on_accept(threads.next(), descriptor, remote);
    }
    wait_for_clients();
  }

  // accept(2): what went wrong with a client before it was taken out of the queue.
  static bool is_of_client(int error) noexcept {
    return error == ECONNABORTED || error == EINTR || error == EPROTO || error == ENETDOWN ||
           error == ENOPROTOOPT || error == EHOSTDOWN || error == ENONET || error == EHOSTUNREACH ||
           error == EOPNOTSUPP || error == ENETUNREACH || error == EPERM;
  }

  // No descriptor, no memory: the client waits in the kernel's queue meanwhile.
  void pause_accepting(int error) {
    hub::count(hub::counter::accept_pauses);
    if (!std::exchange(pausing, true))
      spdlog::error("{}: cannot accept: {}; pausing", options.entry_id,
                    std::generic_category().message(error));
    threads.front().set_timer(pause, accept_pause);
  }

  void on_accept(io_thread& thread, int descriptor, const tcp::endpoint& remote) {
    stream_socket socket(thread.context(), descriptor);
    auto place = connection_place::take(context, context->limits.connections_per_address == 0
                                                     ? std::string()
                                                     : remote.address().to_string());
    ++context->accepted;
    if (!place) {
      refuse(socket, options.tls.has_value());
      return;
    }
    asio::post(thread.context(), [self = shared_from_this(), &thread, remote,
                                  place = std::move(place), socket = std::move(socket)]() mutable {
      try {
        start_http_session(thread, std::move(socket), remote, self->context,
                           self->context->routes.load(), std::move(place));
      } catch (const std::exception& e) {
        spdlog::error("{}: cannot serve a client: {}", self->options.entry_id, e.what());
      }
    });
  }

  // A handshake is not worth it: a client of TLS is hung up on. Others are told, and what they have said is
  // read, since closing with it unread would turn the answer into a reset.
  static void refuse(const stream_socket& socket, bool is_tls) {
    if (is_tls)
      return;
    static constexpr std::string_view full =
        "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Length: 21\r\nRetry-After: 1\r\nConnection: close\r\n\r\ntoo many connections\n";
    (void)::send(socket.descriptor(), full.data(), full.size(), MSG_NOSIGNAL);
    ::shutdown(socket.descriptor(), SHUT_WR);
    char unread[4096];
    for (int i = 0; i < 4 && ::recv(socket.descriptor(), unread, sizeof unread, MSG_DONTWAIT) > 0; ++i)
      continue;
  }

  io_pool& threads;
  gateway_options options;
  std::shared_ptr<gateway_context> context;
  std::shared_ptr<router> routes;
  tcp::acceptor acceptor;
  tcp::endpoint bound;
  timer_wheel::timer pause;
  bool pausing = false;
  std::mutex ready_mutex;
  std::function<bool()> is_ready;
};

gateway::gateway(hub::node& node, io_pool& threads, gateway_options options)
    : state_(std::make_shared<state>(node, threads, std::move(options))) {}

gateway::~gateway() { stop_accepting(); }

router& gateway::routes() noexcept { return *state_->routes; }

void gateway::add_health_routes() {
  auto add = [this](const char* path, http_handler handler) {
    if (!routes().contains("GET", path)) // an application's own goes first
      routes().add({"GET", path, std::move(handler), nullptr, nullptr});
  };
  add("/healthz", constant(200, "ok"));
  add("/readyz", [weak = std::weak_ptr(state_)](const auto&, const http_reply& reply) {
    auto self = weak.lock();
    bool ready = self && !self->context->draining;
    if (ready) {
      std::lock_guard guard(self->ready_mutex);
      ready = !self->is_ready || self->is_ready();
    }
    reply(ready ? text_response(200, "ready") : text_response(503, "not ready"));
  });
}

void gateway::begin_routes() { state_->routes = std::make_shared<router>(); }

void gateway::publish_routes() {
  add_health_routes();
  state_->context->routes.store(state_->routes);
}

void gateway::open() {
  publish_routes();
  auto& s = *state_;
  const auto& host = s.options.address;
  const auto place = (host.find(':') == std::string::npos ? host : '[' + host + ']') + ':' +
                     std::to_string(s.options.port);
  auto check = [&place](error_code ec, const char* what) {
    if (ec)
      throw std::system_error(ec, "cannot " + std::string(what) + " " + place);
  };
  if (s.options.tls)
    s.context->tls.store(std::make_shared<tls_context>(*s.options.tls));
  error_code ec;
  auto address = asio::ip::make_address(s.options.address, ec);
  if (ec) {
    // Before anything runs, so waiting for the resolver holds nobody up. One gateway has one socket:
    // of several addresses it is the first of IPv4, as "localhost" is meant by most.
    tcp::resolver resolver(s.threads.front().context());
    const auto found = resolver.resolve(s.options.address, "", tcp::resolver::passive, ec);
    check(ec, "find the address of");
    address = found.begin()->endpoint().address();
    for (const auto& one : found)
      if (one.endpoint().address().is_v4()) {
        address = one.endpoint().address();
        break;
      }
  }
  const tcp::endpoint endpoint(address, s.options.port);
  s.acceptor.open(endpoint.protocol(), ec);
  check(ec, "open a socket for");
  s.acceptor.set_option(tcp::acceptor::reuse_address(true), ec);
  check(ec, "share");
  s.acceptor.set_option(tcp::no_delay(true), ec); // what is accepted has it from here
  check(ec, "send at once from");
  s.acceptor.bind(endpoint, ec);
  check(ec, "bind");
  s.acceptor.listen(4096, ec);
  check(ec, "listen on");
  s.acceptor.native_non_blocking(true, ec);
  check(ec, "accept from");
  s.bound = s.acceptor.local_endpoint();
}

bool gateway::use_certificate(std::shared_ptr<const tls_context> renewed) {
  auto& tls = state_->context->tls;
  const auto now = tls.load();
  if (!now || now->fingerprint() == renewed->fingerprint())
    return false;
  tls.store(std::move(renewed));
  return true;
}

void gateway::accept() {
  asio::post(state_->threads.front().context(), [s = state_] { s->wait_for_clients(); });
}

void gateway::set_ready(std::function<bool()> is_ready) {
  std::lock_guard guard(state_->ready_mutex);
  state_->is_ready = std::move(is_ready);
}

std::string gateway::url() const {
  const auto address = state_->bound.address();
  return (state_->options.tls ? "https://" : "http://") +
         (address.is_v6() ? "[" + address.to_string() + "]" : address.to_string()) +
         ":" + std::to_string(state_->bound.port());
}

const std::string& gateway::entry_id() const noexcept { return state_->options.entry_id; }

size_t gateway::connections() const noexcept { return state_->context->connections.load(); }

gateway::tally gateway::counts() const noexcept {
  const auto& c = *state_->context;
  return {c.accepted.load(), c.refused_full.load(), c.refused_address.load()};
}

const gateway_limits& gateway::limits() const noexcept { return state_->context->limits; }

size_t gateway::busy() const noexcept {
  const auto idle = state_->context->idle.load();
  const auto all = connections();
  return all > idle ? all - idle : 0;
}

void gateway::stop_accepting() {
  state_->context->draining = true;
  asio::post(state_->threads.front().context(), [s = state_] {
    error_code ignored;
    s->acceptor.close(ignored);
    s->pause.cancel();
  });
}

void gateway::send_going_away(std::chrono::nanoseconds window) {
  std::vector<hub::process_ref> open;
  for (auto& process : state_->context->node.processes().all())
    if (process.self->id().where() == state_->context->host)
      open.push_back(std::move(process));
  // In up to a hundred steps: a herd that comes back at once would hit the next server together.
  const auto steps = std::min<size_t>(open.size(), 100);
  size_t told = 0;
  for (size_t step = 1; step <= steps; ++step) {
    for (; told < open.size() * step / steps; ++told)
      relay::send_going_away(open[told]);
    if (step < steps)
      std::this_thread::sleep_for(window / steps);
  }
}

} // namespace natterjack::relay
