// Middleware `metrics`: counts the requests of a router, under the names the dialect has for them.
//
//   wippy_http_requests_total{method,route,status}         counter
//   wippy_http_request_duration_seconds{method,route}      histogram, from the head to the answer's head
//   wippy_http_requests_in_flight                          gauge
//
// One table for the program: `http_metrics_text` gives what all routers counted. Routes are patterns, so
// clients cannot make the table grow; methods nobody knows count as "other".
#pragma once

#include "relay/http/middleware.hpp"

#include <string>

namespace natterjack::relay {

std::shared_ptr<middleware> make_http_metrics();

/// Appends everything counted so far as Prometheus text; nothing if there is no such middleware.
void append_http_metrics(std::string& out);

} // namespace natterjack::relay
