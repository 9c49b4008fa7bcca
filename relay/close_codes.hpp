// Every close a client can see: number, reason, and whether it may come again.
//
//   cause             code (strict)  reason                             retry
//   by_hub            as sent        as sent, "Connection closed by server"  the hub knows
//   target_unknown    1000 (1011)    Failed to monitor target PID       later
//   new_target_unknown 1000 (1011)   Failed to monitor new target PID   later
//   target_exited     1000 (1011)    target process exited              at once, with back-off
//   message_too_big   1000 (1009)    message exceeds N bytes            not with the same message
//   slow_consumer     1000 (1013)    slow consumer                      later
//   not_utf8          1007           text is not UTF-8                  not with the same message
//   going_away        1001           server is shutting down            at once, elsewhere or later
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::relay {

enum class close_cause : uint8_t {
  by_hub,
  target_unknown,
  new_target_unknown,
  target_exited,
  message_too_big,
  slow_consumer,
  not_utf8,
  going_away,
};

/// As in the table above: for logs and metrics.
std::string_view to_string(close_cause cause) noexcept;

struct close_frame {
  uint16_t code = 1000;
  std::string reason;
};

/// @param strict  use 1009, 1011 and 1013 where the dialects of the ancestor use 1000
close_frame close_for(close_cause cause, bool strict);

/// RFC 6455 5.5.1: a reason is UTF-8 of at most 123 bytes; cut at a character's edge.
std::string_view cut_reason(std::string_view reason) noexcept;

/// RFC 6455 7.4: codes an endpoint may send.
constexpr bool may_send(int64_t code) noexcept {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

} // namespace natterjack::relay
