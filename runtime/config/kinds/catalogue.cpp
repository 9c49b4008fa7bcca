#include "runtime/config/kinds/catalogue.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

constexpr bool yes = true;
constexpr bool no = false;

} // namespace

const std::vector<catalogue_item>& known_modules() {
  static const std::vector<catalogue_item> all{
    {"process", yes}, {"channel", yes}, {"payload", yes}, {"json", yes}, {"http", yes},
    {"time", yes}, {"logger", yes}, {"pubsub", yes}, {"errors", yes}, {"pg", yes}, {"amqp", yes},
    {"uuid", yes}, {"base64", yes}, {"hash", yes}, {"env", yes}, {"events", yes},
    {"funcs", yes}, {"registry", yes}, {"ctx", yes}, {"string", yes}, {"table", yes},
    {"math", yes}, {"os", yes}, {"coroutine", yes}, {"store", yes}, {"security", yes},
    {"queue", yes}, {"http_client", yes}, {"websocket", yes}, {"crypto", yes}, {"sql", yes},
    {"metrics", yes}, {"fs", yes}, {"io", yes}, {"system", yes}, {"stream", yes}, {"template", no},
    {"templates", no}, {"yaml", yes}, {"text", no}, {"html", no}, {"excel", no},
    {"compress", yes}, {"archive", no}, {"cloudstorage", no}, {"exec", no}, {"expr", no},
    {"eval", no}, {"contract", no}, {"treesitter", no}, {"tty", no}, {"cdc", no}, {"hub", no},
    {"workflow", no}, {"otel", no},
  };
  return all;
}

const std::vector<catalogue_item>& known_middleware() {
  static const std::vector<catalogue_item> all{
      {"cors", yes},
      {"websocket_relay", yes},
      {"sse_relay", yes},
      {"real_ip", yes},
      {"ratelimit", yes},
      {"compress", yes},
      {"token_auth", yes},
      {"endpoint_firewall", yes},
      {"resource_firewall", yes},
      {"metrics", yes},
      {"otel", yes},
      {"sendfile", yes},
  };
  return all;
}

const std::vector<catalogue_item>& known_middleware_options() {
  static const std::vector<catalogue_item> all{
      // cors, with the older spelling below each group
      {"cors.allow.origins", yes},
      {"cors.allow.methods", yes},
      {"cors.allow.headers", yes},
      {"cors.expose.headers", yes},
      {"cors.allow.credentials", yes},
      {"cors.max.age", yes},
      {"cors.allow.private.network", yes},
      {"allow_origins", yes},
      {"allow_methods", yes},
      {"allow_headers", yes},
      {"expose_headers", yes},
      {"allow_credentials", yes},
      {"max_age", yes},
      {"allow_private_network", yes},
      // websocket_relay
      {"wsrelay.allowed.origins", yes},
      {"wsrelay.deflate", yes},
      {"allowed_origins", yes},
      {"sserelay.allowed.origins", yes},
      {"ratelimit.requests", yes},
      {"ratelimit.window", yes},
      {"ratelimit.burst", yes},
      {"ratelimit.key", yes},
      {"ratelimit.cleanup_interval", yes},
      {"ratelimit.entry_ttl", yes},
      {"ratelimit.max_entries", yes},
      {"compress.level", yes},
      {"compress.min.length", yes},
      {"real_ip.trusted.subnets", yes},
      {"real_ip.trust_all", yes},
      {"token_auth.store", yes},
      {"token_auth.header.name", yes},
      {"token_auth.header.prefix", yes},
      {"token_auth.query.param", yes},
      {"token_auth.cookie.name", yes},
      {"endpoint_firewall.action", yes},
      {"resource_firewall.action", yes},
      {"resource_firewall.target", yes},
      {"sendfile.fs", yes},
  };
  return all;
}

const catalogue_item* find_item(const std::vector<catalogue_item>& all, std::string_view name) {
  auto found = std::find_if(all.begin(), all.end(),
                            [name](const catalogue_item& item) { return item.name == name; });
  return found == all.end() ? nullptr : &*found;
}

std::vector<std::string> available_names(const std::vector<catalogue_item>& all) {
  std::vector<std::string> names;
  for (const auto& item : all)
    if (item.is_available)
      names.emplace_back(item.name);
  return names;
}

std::vector<std::string> all_names(const std::vector<catalogue_item>& all) {
  std::vector<std::string> names;
  for (const auto& item : all)
    names.emplace_back(item.name);
  return names;
}

} // namespace natterjack::runtime
