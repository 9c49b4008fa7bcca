// What the X-WS-Relay header and a ws.control message say: one JSON object, all fields optional.
//
//   field               type      meaning
//   target_pid          string    the process that hears of this connection
//   message_topic       string    topic of what the client says; "" = default
//   heartbeat_interval  string    Go duration; "0s" = off, negative = problem, unreadable = as if absent
//   metadata            object    goes with join, leave and heartbeat; [] counts as {} (an empty Lua table)
//   payload_format      string    "text" or "table": overrides the dialect
//   on_exit             string    "close" (default) or "hold": what becomes of the connection when its target ends
//   hold_timeout        string    Go duration, at most 1h: how long it waits then, 10 s by default
//
// Unknown fields are ignored, as the ancestor does. A field with a problem is left out and the others
// stand: a header with problems is refused, a ws.control applies what is right.
#pragma once

#include "hub/process.hpp"

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::relay {

/// What becomes of a connection whose target has ended.
enum class on_exit_policy : uint8_t {
  close,
  hold, ///< it waits, unread, until somebody registers the target's name, then joins anew
};

struct relay_config {
  std::optional<std::string> target_pid;
  std::optional<std::string> message_topic;
  std::optional<std::chrono::nanoseconds> heartbeat_interval;
  std::optional<std::string> metadata; ///< JSON text of an object; "{}" if empty
  std::optional<hub::relay_dialect> payload_format;
  std::optional<on_exit_policy> on_exit;
  std::optional<std::chrono::nanoseconds> hold_timeout;
  std::vector<std::string> problems; ///< field, what was expected, what was found
  std::vector<std::string> warnings; ///< taken as absent, for compatibility
};

/// @param error  why this is no JSON object; set if the result is empty
std::optional<relay_config> parse_relay_config(std::string_view json, std::string& error);

} // namespace natterjack::relay
