#include "runtime/config/kinds/middleware_table.hpp"

#include "hub/quantities.hpp"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

using option = middleware_option;
using type = option::type;

bool is_count(const std::string& text, uint64_t least) {
  uint64_t value = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value);
  return ec == std::errc{} && end == text.data() + text.size() && value >= least && value <= 1'000'000'000;
}

bool is_subnet(std::string_view item) {
  const auto slash = item.find('/');
  const std::string address(item.substr(0, slash));
  in6_addr place;
  const bool v4 = ::inet_pton(AF_INET, address.c_str(), &place) == 1;
  if (!v4 && ::inet_pton(AF_INET6, address.c_str(), &place) != 1)
    return false;
  if (slash == std::string_view::npos)
    return true;
  const auto digits = item.substr(slash + 1);
  unsigned bits = 0;
  const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  return ec == std::errc{} && end == digits.data() + digits.size() && bits <= (v4 ? 32U : 128U);
}

bool are_subnets(std::string_view list) {
  while (!list.empty()) {
    auto item = list.substr(0, list.find(','));
    list.remove_prefix(std::min(list.size(), item.size() + 1));
    while (item.starts_with(' '))
      item.remove_prefix(1);
    while (item.ends_with(' '))
      item.remove_suffix(1);
    if (!item.empty() && !is_subnet(item))
      return false;
  }
  return true;
}

} // namespace

const std::vector<option>& middleware_options() {
  static const std::vector<option> all{
      {"cors.allow.origins", "cors", type::text, "*", {"allow_origins"}},
      {"cors.allow.methods", "cors", type::text, "GET,POST,PUT,DELETE,OPTIONS,PATCH", {"allow_methods"}},
      {"cors.allow.headers", "cors", type::text,
       "Origin,Content-Type,Accept,Authorization,X-Requested-With", {"allow_headers"}},
      {"cors.expose.headers", "cors", type::text, "", {"expose_headers"}},
      {"cors.allow.credentials", "cors", type::flag, "false", {"allow_credentials"}},
      {"cors.max.age", "cors", type::amount, "86400", {"max_age"}},
      {"cors.allow.private.network", "cors", type::flag, "false", {"allow_private_network"}},
      {"wsrelay.allowed.origins", "websocket_relay", type::text, "", {"allow_origins", "allowed_origins"}},
      {"wsrelay.deflate", "websocket_relay", type::window, "off"},
      {"sserelay.allowed.origins", "sse_relay", type::text, "", {"allow_origins", "allowed_origins"}},
      {"ratelimit.requests", "ratelimit", type::count, "100"},
      {"ratelimit.window", "ratelimit", type::time, "1m"},
      {"ratelimit.burst", "ratelimit", type::count, "20"},
      {"ratelimit.key", "ratelimit", type::limit_key, "ip"},
      {"ratelimit.cleanup_interval", "ratelimit", type::time, "5m"},
      {"ratelimit.entry_ttl", "ratelimit", type::time, "10m"},
      {"ratelimit.max_entries", "ratelimit", type::count, "100000"},
      {"compress.level", "compress", type::level, "default"},
      {"compress.min.length", "compress", type::amount, "1024"},
      {"real_ip.trusted.subnets", "real_ip", type::subnets, ""},
      {"real_ip.trust_all", "real_ip", type::flag, "false"},
      {"token_auth.store", "token_auth", type::reference, "", {"token_store"}, true, "security.token_store"},
      {"token_auth.header.name", "token_auth", type::text, "Authorization", {"header_name"}},
      {"token_auth.header.prefix", "token_auth", type::text, "Bearer ", {"header_prefix"}},
      {"token_auth.query.param", "token_auth", type::text, "x-auth-token", {"query_param"}},
      {"token_auth.cookie.name", "token_auth", type::text, "x-auth-token", {"cookie_name"}},
      {"endpoint_firewall.action", "endpoint_firewall", type::text, "access", {"endpoint_action"}},
      {"resource_firewall.action", "resource_firewall", type::text, "access", {"resource_action"}},
      {"resource_firewall.target", "resource_firewall", type::text, "", {"resource_target"}, true},
      {"sendfile.fs", "sendfile", type::reference, "", {}, true, "fs.directory"},
  };
  return all;
}

const option* find_middleware_option(std::string_view name) noexcept {
  for (const auto& one : middleware_options())
    if (one.name == name)
      return &one;
  for (const auto& one : middleware_options())
    if (std::find(one.older.begin(), one.older.end(), name) != one.older.end())
      return &one;
  return nullptr;
}

std::optional<std::string> expected_of(const option& of, const std::string& text) {
  switch (of.what) {
    case type::text:
    case type::reference:
      return std::nullopt;
    case type::flag:
      if (text != "true" && text != "false")
        return "true or false";
      return std::nullopt;
    case type::count:
      if (!is_count(text, 1))
        return "a whole number from 1 to 1000000000";
      return std::nullopt;
    case type::amount:
      if (!is_count(text, 0))
        return "a whole number from 0 to 1000000000";
      return std::nullopt;
    case type::time:
      if (const auto time = hub::parse_duration(text); !time || time->count() <= 0)
        return "a time such as 1m";
      return std::nullopt;
    case type::level:
      if (text != "default" && text != "fastest" && text != "best")
        return "one of: best, default, fastest";
      return std::nullopt;
    case type::limit_key:
      if (text != "ip" && !(text.starts_with("header:") && text.size() > 7) &&
          !(text.starts_with("query:") && text.size() > 6))
        return "ip, header:NAME or query:NAME";
      return std::nullopt;
    case type::window:
      if (text != "off" && text != "on" && text != "true" && text != "false" &&
          !(is_count(text, 9) && std::stoi(text) <= 15))
        return "on, off or the bits of the window, 9 to 15";
      return std::nullopt;
    case type::subnets:
      if (!are_subnets(text))
        return "networks such as 10.0.0.0/8, with commas between them";
      return std::nullopt;
  }
  return std::nullopt;
}

std::optional<std::string> option_said(const std::map<std::string, std::string>& options,
                                       std::string_view name) {
  const auto* known = find_middleware_option(name);
  if (known == nullptr)
    throw std::logic_error("no middleware option " + std::string(name));
  if (auto i = options.find(std::string(known->name)); i != options.end())
    return i->second;
  for (auto older : known->older)
    if (auto i = options.find(std::string(older)); i != options.end())
      return i->second;
  return std::nullopt;
}

std::string option_text(const std::map<std::string, std::string>& options, std::string_view name) {
  auto said = option_said(options, name);
  return said ? *said : std::string(find_middleware_option(name)->otherwise);
}

} // namespace natterjack::runtime
