#include "runtime/server/server_state.hpp"

#include "relay/http/http_metrics.hpp"
#include "runtime/lua/shared/metric_shelf.hpp"
#include "runtime/server/routes.hpp"

namespace natterjack::runtime {

relay::http_handler server::state::handler_of(const application_version& from,
                                             const std::string& function_id, pool_map& into) {
  return [target = pools.prepare(from, function_id, into)](
             std::shared_ptr<const relay::http_request> request, relay::http_reply reply) {
    target->call_http(std::move(request), std::move(reply));
  };
}

void server::state::make_gateways() {
  gateway_map by_id;
  for (const auto& entry : options.gateways) {
    relay::gateway_options wanted;
    wanted.entry_id = entry.id;
    wanted.address = entry.address.host.empty() ? "0.0.0.0" : entry.address.host;
    wanted.port = entry.address.port;
    wanted.limits = entry.limits;
    if (entry.tls)
      wanted.tls = certificates.options_of(entry);
    gateways.push_back(std::make_unique<relay::gateway>(node, threads, std::move(wanted)));
    gateways.back()->set_ready([this] { return view.is_ready(); });
    by_id.emplace(entry.id, gateways.back().get());
  }
  pow = std::make_unique<pow_services>(options, programs, lua, threads);
  amqp = std::make_unique<amqp_services>(options, node, threads);
  pool_map prepared;
  fill_routes(*first, by_id, prepared);
  pools.exchange(*first, std::move(prepared));
  make_metrics_gateway();
}

void server::state::fill_routes(const application_version& from, const gateway_map& by_id,
                                pool_map& into) {
  add_routes(from.options, by_id,
             [this, &from, &into](const std::string& id) { return handler_of(from, id, into); },
             line.allow_origins, *shared);
  pow->mount(by_id);
  amqp->mount(by_id);
  if (line.metrics == "on")
    for (const auto& [id, gateway] : by_id)
      add_metrics(*gateway);
}

void server::state::add_metrics(relay::gateway& gateway) {
  if (gateway.routes().contains("GET", "/metrics"))
    return; // an application's own goes first
  gateway.routes().add({"GET", "/metrics",
                        [this](const auto&, const relay::http_reply& reply) {
                          admin->post([this, reply] {
                            relay::http_response response;
                            response.set("Content-Type",
                                         "text/plain; version=0.0.4; charset=utf-8");
                            response.set("Cache-Control", "no-store");
                            response.body = render_metrics(node, lua, view.numbers());
                            relay::append_http_metrics(response.body);
                            shared->of<lua::metric_shelf>().append(response.body);
                            reply(std::move(response));
                          });
                        },
                        nullptr, nullptr});
}

void server::state::make_metrics_gateway() {
  if (line.metrics == "on" || line.metrics == "off")
    return;
  const auto address = *parse_address(line.metrics);
  relay::gateway_options wanted;
  wanted.entry_id = "system:metrics";
  wanted.address = address.host.empty() ? "0.0.0.0" : address.host;
  if (wanted.address == "localhost")
    wanted.address = "127.0.0.1";
  wanted.port = address.port;
  metrics_gateway = std::make_unique<relay::gateway>(node, threads, std::move(wanted));
  metrics_gateway->set_ready([this] { return view.is_ready(); });
  add_metrics(*metrics_gateway);
}

} // namespace natterjack::runtime
