#include "runtime/server/routes.hpp"

#include "relay/http/static_files.hpp"
#include "runtime/server/http_authority.hpp"
#include "runtime/server/middleware.hpp"

#include <spdlog/spdlog.h>

#include <map>

namespace natterjack::runtime {

namespace {

std::string namespace_of(const std::string& id) { return id.substr(0, id.find(':')); }

class route_maker {
 public:
  route_maker(const application_options& options, const std::optional<std::string>& allow_origins,
              lua::services& shared)
      : options_(options), allow_origins_(allow_origins), shared_(shared) {
    for (const auto& router : options.routers)
      routers_.emplace(router.id, &router);
  }

  const router_entry& router(const std::string& id) const { return *routers_.at(id); }

  // One chain for all endpoints of a router: they share the buckets of its rate limit.
  std::shared_ptr<const relay::route_options> options_of(const router_entry& router,
                                                         hub::relay_dialect dialect) {
    auto& made = made_[{router.id, dialect}];
    if (!made)
      made = make(router, dialect);
    return made;
  }

  relay::middleware_chain chain(const std::string& entry_id, const std::vector<std::string>& names,
                                const string_map& options) const {
    return make_chain(names, options, {[this](const std::string& fs_id) {
                                         for (const auto& folder : options_.directories)
                                           if (folder.id == fs_id)
                                             return folder.directory;
                                         return std::filesystem::path();
                                       },
                                       namespace_of(entry_id),
                                       [this](const std::string& store_id) {
                                         return tokens_of(shared_, store_id);
                                       },
                                       [this] { return permission_of(shared_); }});
  }

 private:
  std::shared_ptr<const relay::route_options> make(const router_entry& router,
                                                   hub::relay_dialect dialect) {
    auto result = std::make_shared<relay::route_options>();
    result->dialect = dialect;
    auto& steps = chains_[router.id];
    if (!steps) {
      steps = chain(router.id, router.middleware, router.options);
      for (auto& step : chain(router.id, router.post_middleware, router.post_options))
        steps->push_back(std::move(step));
    }
    result->chain = *steps;
    const auto fallback = router.implicit ? allow_origins_ : std::nullopt;
    read_relays(router.middleware, router.options, fallback, *result);
    read_relays(router.post_middleware,
                router.post_options.empty() ? router.options : router.post_options, fallback,
                *result);
    return result;
  }

  const application_options& options_;
  const std::optional<std::string>& allow_origins_;
  lua::services& shared_;
  std::map<std::string, const router_entry*> routers_;
  std::map<std::string, std::optional<relay::middleware_chain>> chains_;
  std::map<std::pair<std::string, hub::relay_dialect>, std::shared_ptr<const relay::route_options>>
      made_;
};

void add_static(const static_entry& entry, const route_maker& maker, relay::router& to) {
  relay::static_options options;
  options.directory = entry.directory;
  options.index = entry.index;
  options.spa = entry.spa;
  options.cache = entry.cache;
  options.media_types = entry.media_types;
  auto around = std::make_shared<relay::route_options>();
  around->chain = maker.chain(entry.id, entry.middleware, entry.options);
  auto base = entry.path;
  while (base.ends_with('/'))
    base.pop_back();
  to.add({"GET", base + "/{path...}", relay::serve_files(std::move(options)), nullptr,
          std::move(around), nullptr, entry.id});
}

} // namespace

void add_routes(const application_options& options,
                const std::map<std::string, relay::gateway*>& gateways,
                const handler_of& make_handler, const std::optional<std::string>& allow_origins,
                lua::services& shared) {
  route_maker maker(options, allow_origins, shared);
  for (const auto& endpoint : options.endpoints) {
    const auto& router = maker.router(endpoint.router_id);
    const auto dialect =
        endpoint.guide_dialect ? hub::relay_dialect::text : hub::relay_dialect::table;
    auto around = maker.options_of(router, dialect);
    if (endpoint.guide_dialect && around->websocket_relay)
      spdlog::info("{}: guide dialect: joins, leaves and heartbeats are JSON text (no meta.router)",
                   endpoint.id);
    gateways.at(router.server_id)
        ->routes()
        .add({endpoint.method, endpoint.full_path, make_handler(endpoint.function_id), nullptr,
              std::move(around), nullptr, endpoint.id, endpoint.place, true});
  }
  for (const auto& entry : options.statics)
    add_static(entry, maker, gateways.at(entry.server_id)->routes());
}

} // namespace natterjack::runtime
