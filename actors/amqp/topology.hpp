// What a consumer needs on the broker: exchange, queue, bindings. Declared anew after each
// reconnect.
#pragma once

#include "actors/amqp/json_value.hpp"

#include <optional>
#include <string>
#include <vector>

namespace natterjack::amqp {

struct exchange_options {
  std::string name;
  std::string type = "topic"; ///< topic, direct, fanout, headers
  bool durable = false;
  bool auto_delete = false;
  bool internal = false;
  bool passive = false; ///< it must be there; do not make it
};

struct queue_options {
  std::string name; ///< empty: the broker makes one up
  bool durable = false;
  bool exclusive = false;
  bool auto_delete = false;
  bool passive = false;
  json_value arguments; ///< object, such as {"x-message-ttl": 60000}; null: none
};

struct topology {
  std::vector<exchange_options> exchanges; ///< declared first, in order
  queue_options queue;
  std::string bound_to; ///< exchange of the bindings; empty: the default one, no binding
  std::vector<std::string> routing_keys; ///< one binding each
  uint16_t prefetch = 100;               ///< deliveries without an ack at a time
  bool only_consumer = false;            ///< refuse to share the queue
};

} // namespace natterjack::amqp
