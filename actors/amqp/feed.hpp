// A queue of any AMQP system, delivered to a process as messages.
//
//   each delivery   becomes one message of the topic in the options:
//                   {"exchange", "routing_key", "headers", "content_type", "message_id",
//                    "correlation_id", "reply_to", "type", "timestamp", "redelivered", "body"}
//                   and, with manual acks, "token"
//   body            JSON as it is if the content type says so, else text, else base64 with
//                   "encoding": "base64"
//   acknowledged    when the process has taken the message out of its mailbox; or, with manual
//                   acks, when it says so: ack {"token"}, reject {"token", "requeue"}
//   requeued        what a process that ended had not taken or not acknowledged
//   no process      deliveries wait, as many as the prefetch, and are handed over when it is there
#pragma once

#include "actors/amqp/connection.hpp"
#include "hub/node.hpp"
#include "relay/io_thread.hpp"

#include <memory>
#include <string>

namespace natterjack::amqp {

struct feed_options {
  std::string id = "amqp:feed"; ///< entry id: host of its PID, first word of its log lines
  topology queue;
  std::string process; ///< PID or registered name
  std::string topic = "amqp.message";
  bool manual_acks = false;
};

class feed final : public std::enable_shared_from_this<feed> {
 public:
  static std::shared_ptr<feed> make(hub::node& node, relay::io_thread& thread, connection& link,
                                    feed_options options);
  ~feed();

  /// @param on_first  called once: an empty text when it consumes, else the broker's words
  void start(std::function<void(const std::string& problem)> on_first = {});
  /// The broker gets back what was not acknowledged. Call before the connection stops.
  void stop();

  /// Where a process with manual acks sends them.
  hub::process_ref process() const;

 private:
  class worker;
  feed(hub::node& node, relay::io_thread& thread, connection& link, feed_options options);

  hub::node& node_;
  relay::io_thread& thread_;
  connection& link_;
  feed_options options_;
  caf::strong_actor_ptr handle_;
  worker* worker_ = nullptr;
  uint16_t number_ = 0;
};

/// A publication from the fields a hub author gives: exchange, routing_key, body (a text as it is,
/// anything else as JSON), headers, content_type, content_encoding, correlation_id, reply_to,
/// expiration, message_id, type, app_id, priority, timestamp, persistent, mandatory.
/// @param problem  set when the result is empty
std::optional<publication> read_publication(const json_value& fields, std::string& problem);

} // namespace natterjack::amqp
