// Middleware `cors`: which pages may read the answers of a router.
#pragma once

#include "relay/http/router.hpp"

namespace natterjack::relay {

/// Adds the headers a page of the request's origin needs to read the response.
void add_cors(const cors_options& options, const http_request& request, http_response& response);

/// The answer to OPTIONS, asked by browsers before some requests.
http_response preflight(const cors_options& options, const http_request& request);

} // namespace natterjack::relay
