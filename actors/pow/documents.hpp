// openapi.json and the Swagger UI page that shows it.
#pragma once

#include "actors/pow/service_options.hpp"
#include "relay/http/exchange.hpp"

#include <map>
#include <string>

namespace natterjack::pow {

class documents {
 public:
  explicit documents(const service_options& options);

  relay::http_response openapi(const relay::http_request& request) const;
  /// @param name  of the asset; empty: the page
  relay::http_response docs(const relay::http_request& request, const std::string& name) const;

 private:
  std::string openapi_;
  std::string page_;
};

/// The OpenAPI 3.0 description of a service, minified.
std::string make_openapi(const service_options& options);

} // namespace natterjack::pow
