#include "runtime/server/middleware.hpp"

#include "hub/quantities.hpp"
#include "relay/http/compress.hpp"
#include "relay/http/cors.hpp"
#include "relay/http/http_metrics.hpp"
#include "relay/http/rate_limit.hpp"
#include "relay/http/real_ip.hpp"
#include "relay/http/static_files.hpp"
#include "runtime/config/entry.hpp"
#include "runtime/config/kinds/middleware_table.hpp"

#include <algorithm>
#include <map>

namespace natterjack::runtime {

namespace {

using step = std::shared_ptr<relay::middleware>;

relay::cors_options read_cors(const string_map& options) {
  relay::cors_options cors;
  const auto origins = option_text(options, "cors.allow.origins");
  cors.any_origin = origins == "*";
  // "localhost" means pages of this machine, whatever port their server of the day has.
  const auto listed = relay::list_items(origins);
  const bool local = std::find(listed.begin(), listed.end(), "localhost") != listed.end();
  cors.origins = relay::origin_rule(local ? origins + ",localhost:*" : origins);
  cors.methods = option_text(options, "cors.allow.methods");
  cors.headers = option_text(options, "cors.allow.headers");
  cors.expose_headers = option_text(options, "cors.expose.headers");
  cors.credentials = option_text(options, "cors.allow.credentials") == "true";
  cors.private_network = option_text(options, "cors.allow.private.network") == "true";
  cors.max_age = option_text(options, "cors.max.age");
  return cors;
}

relay::rate_limit_options read_rate_limit(const string_map& options) {
  relay::rate_limit_options limit;
  limit.requests = std::stod(option_text(options, "ratelimit.requests"));
  limit.burst = std::stod(option_text(options, "ratelimit.burst"));
  limit.window = *hub::parse_duration(option_text(options, "ratelimit.window"));
  limit.cleanup_interval = *hub::parse_duration(option_text(options, "ratelimit.cleanup_interval"));
  limit.entry_ttl = *hub::parse_duration(option_text(options, "ratelimit.entry_ttl"));
  limit.entries_max = std::stoull(option_text(options, "ratelimit.max_entries"));
  const auto key = option_text(options, "ratelimit.key");
  if (const auto colon = key.find(':'); colon != std::string::npos) {
    limit.key = key.starts_with("header:") ? relay::rate_limit_options::key_of::header
                                           : relay::rate_limit_options::key_of::query;
    limit.key_name = key.substr(colon + 1);
  }
  return limit;
}

relay::compress_options read_compress(const string_map& options) {
  relay::compress_options compress;
  const auto level = option_text(options, "compress.level");
  compress.level = level == "fastest" ? 1 : level == "best" ? 9 : 6;
  compress.bytes_min = std::stoull(option_text(options, "compress.min.length"));
  return compress;
}

relay::real_ip_options read_real_ip(const string_map& options) {
  relay::real_ip_options real_ip;
  if (const auto subnets = option_text(options, "real_ip.trusted.subnets"); !subnets.empty())
    real_ip.trusted = relay::subnet_list(subnets);
  real_ip.trust_all = option_text(options, "real_ip.trust_all") == "true";
  return real_ip;
}

relay::token_places read_places(const string_map& options) {
  return {option_text(options, "token_auth.header.name"),
          option_text(options, "token_auth.header.prefix"),
          option_text(options, "token_auth.query.param"),
          option_text(options, "token_auth.cookie.name")};
}

relay::token_lookup read_tokens(const string_map& options, const middleware_needs& needs) {
  if (needs.tokens_of)
    return needs.tokens_of(resolve_reference(needs.ns, option_text(options, "token_auth.store")));
  return [](std::string_view) { return nullptr; };
}

relay::permission read_permission(const middleware_needs& needs) {
  if (needs.permission)
    return needs.permission();
  return [](const auto&, const auto&, const auto&) { return false; };
}

// 15 is what most clients offer; a smaller window costs less memory and compresses worse.
int window_bits(const std::string& deflate) {
  if (deflate == "off" || deflate == "false")
    return 0;
  return deflate == "on" || deflate == "true" ? 15 : std::stoi(deflate);
}

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

relay::middleware_chain make_chain(const std::vector<std::string>& names, const string_map& options,
                                   const middleware_needs& needs) {
  const std::map<std::string_view, std::function<step()>> makers{
      {"cors", [&options] { return relay::make_cors(read_cors(options)); }},
      {"real_ip", [&options] { return relay::make_real_ip(read_real_ip(options)); }},
      {"ratelimit", [&options] { return relay::make_rate_limit(read_rate_limit(options)); }},
      {"compress", [&options] { return relay::make_compress(read_compress(options)); }},
      {"metrics", [] { return relay::make_http_metrics(); }},
      {"token_auth",
       [&options, &needs] {
         return relay::make_token_auth(read_places(options), read_tokens(options, needs));
       }},
      {"endpoint_firewall",
       [&options, &needs] {
         return relay::make_firewall(read_permission(needs),
                                     option_text(options, "endpoint_firewall.action"), "");
       }},
      {"resource_firewall",
       [&options, &needs] {
         return relay::make_firewall(read_permission(needs),
                                     option_text(options, "resource_firewall.action"),
                                     option_text(options, "resource_firewall.target"));
       }},
      {"sendfile",
       [&options, &needs] {
         const auto id = resolve_reference(needs.ns, option_text(options, "sendfile.fs"));
         return relay::make_sendfile(needs.folder_of(id));
       }},
  };
  relay::middleware_chain chain;
  for (const auto& name : names) // the relays and `otel` are no steps
    if (auto maker = makers.find(name); maker != makers.end())
      chain.push_back(maker->second());
  return chain;
}

void read_relays(const std::vector<std::string>& names, const string_map& options,
                 const std::optional<std::string>& allow_origins, relay::route_options& to) {
  auto origins = [&options, &allow_origins](const char* option) {
    auto said = option_said(options, option);
    if (!said)
      said = allow_origins;
    return said ? relay::origin_rule(*said) : relay::origin_rule();
  };
  if (has(names, "websocket_relay")) {
    to.websocket_relay = true;
    to.origins = origins("wsrelay.allowed.origins");
    to.deflate.window_bits = window_bits(option_text(options, "wsrelay.deflate"));
  }
  if (has(names, "sse_relay")) {
    to.sse_relay = true;
    to.sse_origins = origins("sserelay.allowed.origins");
  }
}

} // namespace natterjack::runtime
