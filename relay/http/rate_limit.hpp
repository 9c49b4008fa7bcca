// Middleware `ratelimit`: a bucket of `burst` requests for each client, refilled with `requests` in `window`.
//
//   429   the bucket is empty; X-RateLimit-Limit, X-RateLimit-Window and Retry-After say when to come back
//
//   bounds   `entries_max` buckets; clients beyond share one, so that a flood of new keys is limited as well
#pragma once

#include "relay/http/middleware.hpp"

#include <chrono>
#include <string>

namespace natterjack::relay {

struct rate_limit_options {
  double requests = 100; ///< more than 0
  std::chrono::nanoseconds window = std::chrono::minutes(1);
  double burst = 20; ///< at least 1
  enum class key_of : uint8_t { ip, header, query } key = key_of::ip;
  std::string key_name; ///< of the header or query parameter
  std::chrono::nanoseconds cleanup_interval = std::chrono::minutes(5);
  std::chrono::nanoseconds entry_ttl = std::chrono::minutes(10); ///< unused so long, a bucket is forgotten
  size_t entries_max = 100'000;
};

std::shared_ptr<middleware> make_rate_limit(rate_limit_options options);

} // namespace natterjack::relay
