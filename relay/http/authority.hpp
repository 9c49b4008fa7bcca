// Middleware `token_auth`, `endpoint_firewall` and `resource_firewall`: who asks, and may they?
//
//   token_auth          sets `actor` of the request when its token is known; refuses nobody
//   endpoint_firewall   401 without an actor, 403 if it may not do `action` with the endpoint's entry
//   resource_firewall   the same with a named resource
//
// Where tokens and policies come from is the business of who makes these: plain functions, called on io
// threads, that do not block.
#pragma once

#include "relay/http/middleware.hpp"

#include <functional>
#include <string>

namespace natterjack::relay {

/// The actor of a token, or null.
using token_lookup = std::function<std::shared_ptr<const request_actor>(std::string_view token)>;
/// May this actor do `action` with `resource`?
using permission = std::function<bool(const request_actor& actor, const std::string& action,
                                      const std::string& resource)>;

/// Where a token may stand; looked for in this order, the first place that has one counts.
struct token_places {
  std::string header_name = "Authorization";
  std::string header_prefix = "Bearer ";
  std::string query_param = "x-auth-token";
  std::string cookie_name = "x-auth-token";
};

/// The token of a request; empty: none.
std::string token_of(const http_request& request, const token_places& places);

std::shared_ptr<middleware> make_token_auth(token_places places, token_lookup lookup);

/// @param resource  empty: the entry of the endpoint that answers
std::shared_ptr<middleware> make_firewall(permission may, std::string action, std::string resource);

} // namespace natterjack::relay
