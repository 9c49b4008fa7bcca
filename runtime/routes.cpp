#include "runtime/routes.hpp"

#include "relay/http/static_files.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>

namespace natterjack::runtime {

namespace {

// The first of these options that is there, under its dotted or its older name.
std::optional<std::string> option(const string_map& options,
                                  std::initializer_list<const char*> names) {
  for (const auto* name : names)
    if (auto i = options.find(name); i != options.end())
      return i->second;
  return std::nullopt;
}

bool has(const std::vector<std::string>& middleware, std::string_view name) {
  return std::find(middleware.begin(), middleware.end(), name) != middleware.end();
}

relay::cors_options read_cors(const string_map& options) {
  relay::cors_options cors;
  if (auto origins = option(options, {"cors.allow.origins", "allow_origins"})) {
    cors.any_origin = *origins == "*";
    cors.origins = relay::origin_rule(*origins);
  }
  if (auto value = option(options, {"cors.allow.methods", "allow_methods"}))
    cors.methods = *value;
  if (auto value = option(options, {"cors.allow.headers", "allow_headers"}))
    cors.headers = *value;
  if (auto value = option(options, {"cors.expose.headers", "expose_headers"}))
    cors.expose_headers = *value;
  if (auto value = option(options, {"cors.allow.credentials", "allow_credentials"}))
    cors.credentials = *value == "true";
  if (auto value = option(options, {"cors.max.age", "max_age"}))
    cors.max_age = *value;
  return cors;
}

std::shared_ptr<const relay::route_options>
read_middleware(const router_entry& router, hub::relay_dialect dialect,
                const std::optional<std::string>& allow_origins) {
  auto result = std::make_shared<relay::route_options>();
  result->dialect = dialect;
  if (has(router.middleware, "cors"))
    result->cors = read_cors(router.options);
  result->websocket_relay = has(router.middleware, "websocket_relay") ||
                            has(router.post_middleware, "websocket_relay");
  const auto& options =
      has(router.post_middleware, "websocket_relay") && !router.post_options.empty()
          ? router.post_options
          : router.options;
  auto origins =
      option(options, {"wsrelay.allowed.origins", "allow_origins", "allowed_origins"});
  if (!origins && router.implicit)
    origins = allow_origins;
  if (origins)
    result->origins = relay::origin_rule(*origins);
  return result;
}

void add_static(const static_entry& entry, relay::router& to) {
  relay::static_options options;
  options.directory = entry.directory;
  options.index = entry.index;
  options.spa = entry.spa;
  options.cache = entry.cache;
  auto handler = relay::serve_files(std::move(options));
  auto base = entry.path;
  while (base.ends_with('/'))
    base.pop_back();
  to.add({"GET", base + "/{path...}", std::move(handler), nullptr, nullptr});
}

} // namespace

void add_routes(const application_options& options,
                const std::map<std::string, relay::gateway*>& gateways,
                const handler_of& make_handler, const std::optional<std::string>& allow_origins) {
  std::map<std::string, const router_entry*> routers;
  for (const auto& router : options.routers)
    routers.emplace(router.id, &router);
  for (const auto& endpoint : options.endpoints) {
    const auto& router = *routers.at(endpoint.router_id);
    const auto dialect =
        endpoint.guide_dialect ? hub::relay_dialect::text : hub::relay_dialect::table;
    auto middleware = read_middleware(router, dialect, allow_origins);
    if (endpoint.guide_dialect && middleware->websocket_relay)
      spdlog::info("{}: guide dialect: joins, leaves and heartbeats are JSON text (no meta.router)",
                   endpoint.id);
    gateways.at(router.server_id)
        ->routes()
        .add({endpoint.method, endpoint.full_path, make_handler(endpoint.function_id), nullptr,
              std::move(middleware)});
  }
  for (const auto& entry : options.statics)
    add_static(entry, gateways.at(entry.server_id)->routes());
}

} // namespace natterjack::runtime
