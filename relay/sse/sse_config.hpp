// What the X-SSE-Relay header and an sse.control message say: one JSON object, all fields optional.
//
//   field               type      absent in the header, or ""        "" in sse.control
//   target_pid          string    detached: no process is told       detaches
//   message_topic       string    sse.message                        sse.message
//   heartbeat_interval  string    30s; "0s": off                     30s
//   idle_timeout        string    off                                off
//   hard_timeout        string    off                                off
//   metadata            object    none                               (an empty one replaces)
//
// Unlike the websocket relay, a field with a problem refuses the whole: an endpoint hears of its mistake by 400.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::relay {

inline constexpr std::string_view sse_default_topic = "sse.message";
inline constexpr auto sse_default_heartbeat = std::chrono::seconds(30);

struct sse_config {
  std::optional<std::string> target_pid;
  std::optional<std::string> message_topic; ///< never empty
  std::optional<std::chrono::nanoseconds> heartbeat_interval; ///< 0: off
  std::optional<std::chrono::nanoseconds> idle_timeout;       ///< 0: off
  std::optional<std::chrono::nanoseconds> hard_timeout;       ///< 0: off
  std::optional<std::string> metadata; ///< JSON text of an object
};

/// @param error  field, what was expected, what was found; set if the result is empty
std::optional<sse_config> parse_sse_config(std::string_view json, std::string& error);

} // namespace natterjack::relay
