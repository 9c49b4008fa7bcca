#include "relay/http/rate_limit.hpp"

#include "hub/quantities.hpp"
#include "relay/http/real_ip.hpp"
#include "relay/http/response_head.hpp"

#include <openssl/evp.h>

#include <cmath>
#include <mutex>
#include <unordered_map>

namespace natterjack::relay {

namespace {

using clock_type = std::chrono::steady_clock;

constexpr size_t key_bytes_max = 64; // longer ones are kept as their digest

class rate_limit final : public middleware {
 public:
  explicit rate_limit(rate_limit_options options) : options_(std::move(options)) {}

  std::optional<http_response> before(http_request& request) override {
    double missing = 0;
    {
      std::lock_guard guard(mutex_);
      missing = take(key_of(request), request.received);
    }
    if (missing <= 0)
      return std::nullopt;
    auto response = text_response(429, "too many requests");
    response.set("X-RateLimit-Limit", number(options_.requests));
    response.set("X-RateLimit-Window", hub::format_duration(options_.window));
    const auto wait = missing / options_.requests * std::chrono::duration<double>(options_.window).count();
    response.set("Retry-After", number(std::max(1.0, std::ceil(wait))));
    return response;
  }

 private:
  struct bucket {
    double tokens = 0;
    clock_type::time_point seen{};
  };

  static std::string number(double value) { return std::to_string(static_cast<uint64_t>(value)); }

  // What a client says may be as long as a head: then its digest stands for it.
  static std::string bounded(std::string key) {
    if (key.size() <= key_bytes_max)
      return key;
    unsigned char digest[EVP_MAX_MD_SIZE];
    unsigned size = 0;
    if (::EVP_Digest(key.data(), key.size(), digest, &size, ::EVP_sha256(), nullptr) != 1)
      return key.substr(0, key_bytes_max); // no memory: they share a bucket
    return {reinterpret_cast<const char*>(digest), size};
  }

  std::string key_of(const http_request& request) const {
    if (options_.key == rate_limit_options::key_of::header)
      return bounded(std::string(request.header(options_.key_name)));
    if (options_.key == rate_limit_options::key_of::query)
      return bounded(query_value(request.query, options_.key_name).value_or(""));
    const auto address = address_in(request.remote_addr);
    return address ? address->to_string() : request.remote_addr;
  }

  // @returns 0, or the share of a request that is missing
  double take(const std::string& key, clock_type::time_point now) {
    if (now - swept_ > options_.cleanup_interval)
      sweep(now);
    auto i = buckets_.find(key);
    if (i == buckets_.end()) {
      if (buckets_.size() >= options_.entries_max)
        return spend(others_, now);
      i = buckets_.emplace(key, bucket{options_.burst, now}).first;
    }
    return spend(i->second, now);
  }

  double spend(bucket& of, clock_type::time_point now) const {
    const auto passed = std::chrono::duration<double>(now - of.seen).count();
    const auto rate = options_.requests / std::chrono::duration<double>(options_.window).count();
    of.tokens = std::min(options_.burst, of.tokens + std::max(0.0, passed) * rate);
    of.seen = std::max(of.seen, now);
    if (of.tokens < 1)
      return 1 - of.tokens;
    of.tokens -= 1;
    return 0;
  }

  void sweep(clock_type::time_point now) {
    swept_ = now;
    std::erase_if(buckets_, [this, now](const auto& one) {
      return now - one.second.seen > options_.entry_ttl;
    });
  }

  rate_limit_options options_;
  std::mutex mutex_;
  std::unordered_map<std::string, bucket> buckets_;
  bucket others_{options_.burst, clock_type::now()};
  clock_type::time_point swept_ = clock_type::now();
};

} // namespace

std::shared_ptr<middleware> make_rate_limit(rate_limit_options options) {
  return std::make_shared<rate_limit>(std::move(options));
}

} // namespace natterjack::relay
