#include "relay/http/cors.hpp"

namespace natterjack::relay {

namespace {

class cors final : public middleware {
 public:
  explicit cors(cors_options options) : options_(std::move(options)) {}

  std::optional<http_response> before(http_request& request) override {
    if (request.method != "OPTIONS" || !request.has("Access-Control-Request-Method"))
      return std::nullopt;
    http_response response;
    response.status = 204;
    after(request, response);
    response.set("Access-Control-Allow-Methods", options_.methods);
    response.set("Access-Control-Allow-Headers", options_.headers);
    response.set("Access-Control-Max-Age", options_.max_age);
    // Private Network Access: asked for a page of a public site that wants a private address.
    if (options_.private_network && request.header("Access-Control-Request-Private-Network") == "true")
      response.set("Access-Control-Allow-Private-Network", "true");
    return response;
  }

  void after(const http_request& request, http_response& response) override {
    // With credentials a browser does not take "*" (Fetch standard, 3.2.5).
    const bool star = options_.any_origin && !options_.credentials;
    if (!star)
      add_to_list(response, "Vary", "Origin"); // also of the answer to others: a cache must not mix them
    if (!request.has("Origin"))
      return;
    const auto origin = request.header("Origin");
    if (!options_.any_origin && !options_.origins.allows(origin, ""))
      return;
    response.set("Access-Control-Allow-Origin", star ? "*" : std::string(origin));
    if (options_.credentials)
      response.set("Access-Control-Allow-Credentials", "true");
    if (!options_.expose_headers.empty())
      response.set("Access-Control-Expose-Headers", options_.expose_headers);
  }

 private:
  cors_options options_;
};

} // namespace

std::shared_ptr<middleware> make_cors(cors_options options) {
  return std::make_shared<cors>(std::move(options));
}

} // namespace natterjack::relay
