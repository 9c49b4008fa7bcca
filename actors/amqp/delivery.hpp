// One message as it came from a queue.
#pragma once

#include "actors/amqp/ack_ledger.hpp"

#include <string_view>

struct amqp_basic_properties_t_; // of rabbitmq-c

namespace natterjack::amqp {

/// Valid during the call that hands it over.
struct delivery {
  std::string_view exchange;
  std::string_view routing_key;
  const amqp_basic_properties_t_* properties = nullptr;
  std::string_view body;
  uint64_t body_size = 0;    ///< as announced
  bool is_oversized = false; ///< over `body_bytes_max`: `body` is empty
  bool redelivered = false;
};

} // namespace natterjack::amqp
