// A message on its way to an exchange, and what became of it.
#pragma once

#include "actors/amqp/json_value.hpp"

#include <chrono>
#include <functional>
#include <optional>
#include <string>

namespace natterjack::amqp {

struct publication {
  std::string exchange;
  std::string routing_key; ///< at most 255 bytes
  std::string body;
  json_value headers;       ///< an object, or null for none
  std::string content_type; ///< of this and the following texts, empty ones are not sent
  std::string content_encoding;
  std::string correlation_id;
  std::string reply_to;
  std::string expiration;
  std::string message_id; ///< made if empty: 32 hexadecimal digits
  std::string type;
  std::string app_id;
  std::optional<uint64_t> timestamp; ///< seconds
  std::optional<uint8_t> priority;
  uint8_t delivery_mode = 1; ///< 2: persistent
  bool mandatory = true;     ///< come back if no queue wants it

  size_t size() const noexcept { return body.size() + routing_key.size() + 256; }
};

enum class publish_result : uint8_t {
  confirmed,   ///< the broker has it, and it has gone to at least one queue if mandatory
  unroutable,  ///< no queue is bound for it
  refused,     ///< the broker said no: nack, or it closed the channel
  expired,     ///< the deadline passed before it could be sent
  unconfirmed, ///< sent, but the connection or the deadline ended before the broker's word
  queue_full,  ///< too many wait already
  invalid,     ///< it cannot be said in AMQP
  stopped,     ///< we are shutting down
};

const char* to_string(publish_result result) noexcept;

struct publish_outcome {
  publish_result result = publish_result::confirmed;
  std::string text;    ///< the broker's words, or what is invalid
  bool waited = false; ///< it had to wait for the connection
};

using publish_clock = std::chrono::steady_clock;

struct publish_options {
  publish_clock::time_point deadline = publish_clock::time_point::max();
  /// Send again after a lost connection what was not confirmed: at least once instead of at most
  /// once.
  bool resend = false;
  /// 0: the bridge's own; 1: those of hub authors, whose mistakes close a channel; 2: presence
  /// probes.
  uint8_t lane = 0;
};

/// Called once, on the connection's thread or the caller's; must not block.
using publish_done = std::function<void(const publish_outcome&)>;

/// 32 hexadecimal digits of a random UUID.
std::string make_message_id();
/// A random UUID with dashes, in lower case.
std::string make_uuid();

} // namespace natterjack::amqp
