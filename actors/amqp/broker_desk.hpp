// Where processes publish to a broker and subscribe to its queues, by messages; the C++ functions
// behind it are connection::publish and feed::make.
//
//   a process sends             and gets, as a message of the topic it named in "answer"
//   publish {fields}, body      {"id", "result", "text"}: result is "confirmed", or why it is not
//                               there: publish_result's words
//   subscribe {fields}          {"id", "result", "text", "feed"}: "subscribed" with the PID that
//                               acks go to, "waiting" while the broker is away, "refused"
//   unsubscribe {"feed"}        {"id", "result"}: "unsubscribed" or "unknown"
//
//   publish     "message": see read_publication; "timeout" in seconds (30), "resend": send again
//               what an outage left unconfirmed. A second value is the body, byte for byte
//   subscribe   "queue", "exchange", "exchange_type", "routing_keys", "durable", "exclusive",
//               "auto_delete", "passive", "prefetch", "topic", "manual_acks"
//   monitors    subscribers: their queues are left when they end
#pragma once

#include "actors/amqp/bridge.hpp"
#include "actors/amqp/feed.hpp"

#include <memory>

namespace natterjack::amqp {

/// Bindings of a queue as a hub author says them; used for entries and for `subscribe`.
struct binding {
  std::string queue, exchange;
  std::string exchange_type = "topic"; ///< or "passive": it must be there
  std::vector<std::string> routing_keys{"#"};
  bool durable = false, exclusive = false, auto_delete = false, passive = false;
  uint16_t prefetch = 100;
};
topology to_topology(const binding& wanted);

struct broker_desk_options {
  std::string id = "amqp:desk"; ///< host of its PID, first word of its log lines
  size_t subscriptions_max = 2'000; ///< each takes a channel of the connection
};

/// Starts it on the bridge's thread.
/// @returns its process; end it with a hub::cancel_signal before the bridge stops
hub::process_ref start_broker_desk(std::shared_ptr<bridge> owner, broker_desk_options options);

} // namespace natterjack::amqp
