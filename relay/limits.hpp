// Bounds of a gateway. The names are a contract: they are the fields under `limits:` of an http.service.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace natterjack::relay {

using namespace std::chrono_literals;

/// What happens to a client that does not read what is sent to it.
enum class outbox_policy : uint8_t {
  close,       ///< end the connection as a slow consumer (1013)
  drop_oldest, ///< keep the newest: prices, positions
  drop_newest, ///< keep what is queued, refuse more
};

struct gateway_limits {
  size_t inbound_messages = 64;          ///< messages of one client that no hub has taken yet
  size_t inbound_bytes = 1 << 20;        ///< the same, in bytes
  size_t outbox_soft_bytes = 1 << 20;    ///< queued for one client, for at most `outbox_soft_time`
  std::chrono::nanoseconds outbox_soft_time = 10s;
  size_t outbox_hard_bytes = 8 << 20;    ///< queued for one client, ever
  relay::outbox_policy outbox_policy = relay::outbox_policy::close;
  size_t message_bytes = 1 << 20;        ///< one message from a client
  std::chrono::nanoseconds head_timeout = 5s;  ///< for a whole request head
  size_t head_bytes = 16 << 10;
  size_t header_count = 100;
  std::chrono::nanoseconds body_timeout = 30s; ///< without progress
  size_t body_bytes = 1 << 20;
  std::chrono::nanoseconds idle_timeout = 60s; ///< kept-alive connection without a request
  size_t pipelined_requests = 16;
  std::chrono::nanoseconds ping_interval = 25s; ///< 0: no pings
  size_t ping_missed = 2;
  size_t connections = 100'000;
  size_t connections_per_address = 0;    ///< 0: no limit
  bool strict_close_codes = false;       ///< 1009, 1011, 1013 where the dialects use 1000
};

} // namespace natterjack::relay
