#include "relay/http/authority.hpp"

#include "relay/http/response_head.hpp"

#include <strings.h>

namespace natterjack::relay {

namespace {

// RFC 6265 4.2.1: pairs between "; ".
std::string cookie_of(const http_request& request, std::string_view name) {
  for (const auto& [header, value] : request.headers) {
    if (!same_word(header, "Cookie"))
      continue;
    for (std::string_view rest = value; !rest.empty();) {
      auto pair = rest.substr(0, rest.find(';'));
      rest.remove_prefix(std::min(rest.size(), pair.size() + 1));
      while (pair.starts_with(' '))
        pair.remove_prefix(1);
      const auto equals = pair.find('=');
      if (equals == std::string_view::npos || pair.substr(0, equals) != name)
        continue;
      auto found = pair.substr(equals + 1);
      if (found.size() >= 2 && found.front() == '"' && found.back() == '"')
        found = found.substr(1, found.size() - 2);
      return std::string(found);
    }
  }
  return {};
}

class token_auth final : public middleware {
 public:
  token_auth(token_places places, token_lookup lookup)
      : places_(std::move(places)), lookup_(std::move(lookup)) {}

  std::optional<http_response> before(http_request& request) override {
    if (const auto token = token_of(request, places_); !token.empty())
      request.actor = lookup_(token);
    return std::nullopt;
  }

 private:
  token_places places_;
  token_lookup lookup_;
};

class firewall final : public middleware {
 public:
  firewall(permission may, std::string action, std::string resource)
      : may_(std::move(may)), action_(std::move(action)), resource_(std::move(resource)) {}

  std::optional<http_response> before(http_request& request) override {
    if (!request.actor) {
      auto response = text_response(401, "who asks is not known: a token is missing or not valid");
      response.set("WWW-Authenticate", "Bearer");
      return response;
    }
    const auto& resource = resource_.empty() ? request.route_id : resource_;
    if (!may_(*request.actor, action_, resource))
      return text_response(403, "not allowed");
    return std::nullopt;
  }

 private:
  permission may_;
  std::string action_;
  std::string resource_;
};

} // namespace

std::string token_of(const http_request& request, const token_places& places) {
  const auto header = request.header(places.header_name);
  if (!header.empty() && header.size() > places.header_prefix.size() &&
      same_word(header.substr(0, places.header_prefix.size()), places.header_prefix))
    return std::string(header.substr(places.header_prefix.size()));
  if (auto value = query_value(request.query, places.query_param); value && !value->empty())
    return *value;
  return cookie_of(request, places.cookie_name);
}

std::shared_ptr<middleware> make_token_auth(token_places places, token_lookup lookup) {
  return std::make_shared<token_auth>(std::move(places), std::move(lookup));
}

std::shared_ptr<middleware> make_firewall(permission may, std::string action, std::string resource) {
  return std::make_shared<firewall>(std::move(may), std::move(action), std::move(resource));
}

} // namespace natterjack::relay
