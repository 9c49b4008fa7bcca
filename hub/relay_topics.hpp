// Topics between connections and the hubs they report to.
#pragma once

#include <string_view>

namespace natterjack::hub {

inline constexpr std::string_view join_topic = "ws.join";
inline constexpr std::string_view leave_topic = "ws.leave";
inline constexpr std::string_view heartbeat_topic = "ws.heartbeat";
inline constexpr std::string_view message_topic = "ws.message"; ///< unless message_topic says else
inline constexpr std::string_view control_topic = "ws.control";
inline constexpr std::string_view close_topic = "ws.close";

} // namespace natterjack::hub
