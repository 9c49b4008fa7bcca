#include "actors/pow/service.hpp"

#include "actors/pow/documents.hpp"
#include "actors/pow/paths.hpp"
#include "actors/pow/rest_routes.hpp"
#include "actors/pow/service_core.hpp"
#include "actors/pow/ws_session.hpp"
#include "hub/node.hpp"
#include "relay/http/socket_route.hpp"

#include <caf/abstract_actor.hpp>
#include <caf/message.hpp>

#include <stdexcept>

namespace natterjack::pow {

namespace {

service_options checked(service_options options) {
  options.base_path = clean_base_path(options.base_path);
  const auto& rest = options.limits.rest;
  if (rest.timeout < std::chrono::seconds(60))
    throw std::invalid_argument("POW: the timeout of REST sessions is at least 60 s");
  if (rest.lines < 1000)
    throw std::invalid_argument("POW: a REST session keeps at least 1000 lines");
  return options;
}

std::shared_ptr<relay::socket_route> take_sockets(const std::shared_ptr<service_core>& core) {
  auto socket = std::make_shared<relay::socket_route>();
  socket->refuse = [core](const relay::http_request& request) {
    return refuse_websocket(*core, request);
  };
  socket->take = [core](std::shared_ptr<const relay::http_request> request,
                        relay::taken_socket taken) {
    start_ws_session(core, std::move(request), std::move(taken));
  };
  return socket;
}

} // namespace

struct service::state {
  state(hub::node& node, relay::io_pool& threads, service_options options)
      : core(std::make_shared<service_core>(node, threads, checked(std::move(options)))),
        rest(std::make_shared<rest_routes>(core)), sockets(take_sockets(core)) {}

  std::shared_ptr<service_core> core;
  std::shared_ptr<rest_routes> rest;
  std::shared_ptr<relay::socket_route> sockets;
};

service::service(hub::node& node, relay::io_pool& threads, service_options options)
    : state_(std::make_shared<state>(node, threads, std::move(options))) {}

service::~service() = default;

void service::mount(relay::router& routes, bool whole_gateway) {
  relay::route route;
  route.handler = [rest = state_->rest](std::shared_ptr<const relay::http_request> request,
                                        relay::http_reply reply) {
    rest->handle(std::move(request), std::move(reply));
  };
  route.socket = state_->sockets;
  const auto& base = base_path();
  if (whole_gateway) {
    route.pattern = "/{rest...}";
    routes.add(route);
    return;
  }
  route.pattern = base + "{rest...}";
  routes.add(route);
  if (base != "/") {
    route.pattern = base.substr(0, base.size() - 1);
    routes.add(route);
  }
}

void service::mount_beside(relay::router& routes, const char* path, relay::http_handler handler) {
  relay::route route;
  route.method = "GET";
  route.pattern = path;
  route.handler = std::move(handler);
  route.socket = state_->sockets;
  routes.add(route);
}

void service::mount_over(relay::router& routes, const char* path) {
  relay::route route;
  route.pattern = path;
  route.handler = [rest = state_->rest](std::shared_ptr<const relay::http_request> request,
                                        relay::http_reply reply) {
    rest->handle(std::move(request), std::move(reply));
  };
  route.socket = state_->sockets;
  for (const char* method : {"GET", ""}) {
    route.method = method;
    routes.add(route);
  }
}

const std::string& service::base_path() const noexcept { return state_->core->options.base_path; }

size_t service::jobs() const noexcept { return state_->core->places.size(); }

void service::shut_down() {
  if (state_->core->closing.exchange(true))
    return;
  state_->rest->shut_down();
}

void service::cancel_all() {
  for (const auto& actor : state_->core->places.all())
    actor->enqueue(nullptr, caf::make_message_id(),
                   caf::make_message(hub::cancel_signal{{}, std::string(server_closing)}), nullptr);
}

void service::kill_all() {
  for (const auto& actor : state_->core->places.all())
    actor->enqueue(nullptr, caf::make_message_id(),
                   caf::make_message(caf::exit_msg{actor->address(), caf::exit_reason::kill}),
                   nullptr);
}

} // namespace natterjack::pow
