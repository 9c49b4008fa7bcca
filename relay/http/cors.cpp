#include "relay/http/cors.hpp"

namespace natterjack::relay {

void add_cors(const cors_options& options, const http_request& request, http_response& response) {
  if (!request.has("Origin"))
    return;
  const auto origin = request.header("Origin");
  if (!options.any_origin && !options.origins.allows(origin, ""))
    return;
  // With credentials a browser does not take "*" (Fetch standard, 3.2.5).
  const bool star = options.any_origin && !options.credentials;
  response.set("Access-Control-Allow-Origin", star ? "*" : std::string(origin));
  if (!star)
    response.set("Vary", "Origin");
  if (options.credentials)
    response.set("Access-Control-Allow-Credentials", "true");
  if (!options.expose_headers.empty())
    response.set("Access-Control-Expose-Headers", options.expose_headers);
}

http_response preflight(const cors_options& options, const http_request& request) {
  http_response response;
  response.status = 204;
  add_cors(options, request, response);
  response.set("Access-Control-Allow-Methods", options.methods);
  response.set("Access-Control-Allow-Headers", options.headers);
  response.set("Access-Control-Max-Age", options.max_age);
  return response;
}

} // namespace natterjack::relay
