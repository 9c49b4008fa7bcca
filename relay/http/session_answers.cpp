#include "hub/counters.hpp"
#include "relay/http/http_session.hpp"
#include "relay/http/relaying.hpp"
#include "relay/http/socket_route.hpp"
#include "relay/http/upgrade.hpp"
#include "relay/websocket/connection.hpp"
#include "relay/websocket/deflate_offer.hpp"

#include <spdlog/spdlog.h>

#include <atomic>

namespace natterjack::relay {

namespace {

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
  thread.push_call(
      [session = std::move(session), shared] { session->respond(std::move(*shared)); });
}

// Whether so many requests stand behind the one that is answered now.
bool are_waiting(std::string_view left, size_t count) noexcept {
  constexpr std::string_view end_of_head = "\r\n\r\n";
  for (; count > 0; --count) {
    const auto at = left.find(end_of_head);
    if (at == std::string_view::npos)
      return false;
    left.remove_prefix(at + end_of_head.size());
  }
  return true;
}

// Never for the client, not even an empty one.
std::string take_header(http_response& response, std::string_view name) {
  std::string value(response.header(name));
  response.erase(name);
  return value;
}

} // namespace

void http_session::dispatch() {
  set_phase(phase::answering);
  keep_alive_ = reader_.keep_alive() && !gateway_->websockets_only &&
                !gateway_->draining.load(std::memory_order_relaxed);
  is_http_1_0_ = reader_.is_http_1_0();
  auto request = incoming_ ? reader_.take_head() : reader_.take();
  request->incoming = incoming_;
  request->remote_addr = remote_;
  request->secure = wire_->is_secure();
  is_head_request_ = request->method == "HEAD";
  request_ = request;
  hub::count(hub::counter::http_requests);
  if (!reader_.leftover().empty() &&
      are_waiting(reader_.leftover(), gateway_->limits.pipelined_requests))
    hub::count(hub::counter::limit_pipelined_requests);
  const bool any_path = gateway_->websockets_only && wants_websocket(*request);
  auto match = routes_->find(request->method, any_path ? "/" : request->raw_path);
  if (match.found == nullptr) {
    if (request->method == "OPTIONS" && (!match.allow.empty() || request->path == "*"))
      answer_options(*request, match.allow);
    else
      write(not_found(request->method, request->path, match.allow));
    return;
  }
  request->params = std::move(match.params);
  enter_route(*match.found, *request);
  if (auto early = run_chain(*request)) {
    respond(std::move(*early));
    return;
  }
  if ((route_->upgrade || route_->socket) && wants_websocket(*request)) {
    if (route_->socket)
      give_socket();
    else
      take_over();
    return;
  }
  if (!route_->handler) {
    respond(text_response(426, "this endpoint speaks websocket: send an upgrade request"));
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

http_response http_session::not_found(const std::string& method, const std::string& path,
                                      const std::string& allow) {
  if (allow.empty())
    return text_response(404, "no such path: " + path);
  auto response = text_response(405, method + " is not offered here, only " + allow);
  response.set("Allow", allow);
  return response;
}

void http_session::enter_route(const route& found, http_request& request) {
  route_ = &found;
  request.route = found.pattern;
  request.route_id = found.entry_id;
}

// OPTIONS of a path that exists runs behind the middleware of its router: cors answers what browsers
// ask.
void http_session::answer_options(http_request& request, std::string allow) {
  std::optional<http_response> early;
  if (allow.empty()) {
    allow = routes_->methods();
  } else {
    const auto match = routes_->find(allow.substr(0, allow.find(',')), request.raw_path);
    enter_route(*match.found, request);
    early = run_chain(request);
  }
  http_response response;
  response.status = 204;
  if (early)
    response = std::move(*early);
  if (response.status == 204)
    response.set("Allow", allow);
  finish_chain(response);
  write(std::move(response));
}

std::optional<http_response> http_session::run_chain(http_request& request) {
  if (!route_->options)
    return std::nullopt;
  for (const auto& step : route_->options->chain) {
    if (auto early = step->before(request))
      return early;
    ++entered_;
  }
  return std::nullopt;
}

void http_session::finish_chain(http_response& response) {
  for (; entered_ > 0; --entered_)
    route_->options->chain[entered_ - 1]->after(*request_, response);
}

// On the io thread, once for each request that was dispatched, also after the client has gone.
void http_session::respond(http_response response) {
  auto self = shared_from_this();
  if (intake_failure_ && response.status >= 500)
    response = std::move(*intake_failure_); // the handler did not expect a body to be broken off
  const bool relays = route_ != nullptr && route_->options && phase_ == phase::answering;
  if (relays && route_->options->websocket_relay && response.status != 101) {
    const auto config = take_header(response, "X-WS-Relay");
    // The handler's own refusal or page goes before an upgrade.
    if (!config.empty() && is_empty_answer(response)) {
      relay(config, std::move(response));
      return;
    }
  }
  if (relays && route_->options->sse_relay) {
    const auto config = take_header(response, "X-SSE-Relay");
    if (!config.empty() && is_empty_answer(response) && response.status == 200) {
      start_events(config, std::move(response));
      return;
    }
    if (!config.empty())
      spdlog::warn("{}: X-SSE-Relay beside a body or a status other than 200: no relay",
                   name_of(*request_, *route_));
  }
  finish_chain(response);
  write(std::move(response));
}

// The endpoint wants a websocket: its response says to whom.
void http_session::relay(const std::string& header, http_response response) {
  connection_options options{gateway_, {}, route_->options->dialect};
  if (auto refusal = read_ws_relay(header, *request_, *route_, *gateway_, options.config)) {
    finish_chain(*refusal);
    write(std::move(*refusal));
    return;
  }
  response.status = 101;
  finish_chain(response);
  if (auto transport = make_transport())
    start_connection(thread_, std::move(transport), *request_, response.headers,
                     std::move(options));
}

// A route that upgrades by itself.
void http_session::take_over() {
  const static origin_rule same_origin;
  if (auto refusal = refuse_upgrade(*request_, route_->options ? route_->options->origins
                                                               : same_origin)) {
    respond(std::move(*refusal));
    return;
  }
  if (gateway_->websockets_only && !has_sound_extensions(*request_)) {
    respond(text_response(400, "Sec-WebSocket-Extensions is no list of extensions"));
    return;
  }
  http_response accepted;
  accepted.status = 101;
  finish_chain(accepted);
  if (auto transport = make_transport())
    route_->upgrade(request_, std::move(transport), thread_);
}

// A route that speaks with the client in its own way.
void http_session::give_socket() {
  if (auto refusal = route_->socket->refuse(*request_)) {
    respond(std::move(*refusal));
    return;
  }
  http_response accepted;
  accepted.status = 101;
  finish_chain(accepted);
  std::string left(reader_.leftover());
  auto socket = release();
  if (!socket)
    return;
  try {
    route_->socket->take(request_,
                         {socket->to_asio(), std::move(left), std::move(place_), thread_});
  } catch (const std::exception& e) {
    spdlog::error("{}: cannot be upgraded: {}", remote_, e.what());
  }
}

std::shared_ptr<ws_transport> http_session::make_transport() {
  auto socket = release();
  if (!socket)
    return nullptr;
  try {
    return make_ws_transport(thread_, std::move(*socket), gateway_->limits, reader_.leftover(),
                             std::move(place_),
                             route_->options ? route_->options->deflate : deflate_terms{});
  } catch (const std::exception& e) {
    spdlog::error("{}: cannot be upgraded: {}", remote_, e.what());
    return nullptr;
  }
}

std::optional<stream_socket> http_session::release() {
  try {
    auto socket = wire_->release(thread_, place_);
    timer_.cancel();
    set_phase(phase::closed);
    return socket;
  } catch (const std::exception& e) {
    spdlog::error("{}: cannot be upgraded: {}", remote_, e.what());
    fail(text_response(503, "too many connections"));
    return std::nullopt;
  }
}

} // namespace natterjack::relay
