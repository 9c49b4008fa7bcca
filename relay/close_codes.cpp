#include "relay/close_codes.hpp"

#include "hub/text.hpp"

namespace natterjack::relay {

std::string_view to_string(close_cause cause) noexcept {
  constexpr std::string_view names[]{"by_hub",        "target_unknown",  "new_target_unknown",
                                     "target_exited", "message_too_big", "slow_consumer",
                                     "not_utf8",      "going_away"};
  return names[static_cast<size_t>(cause)];
}

close_frame close_for(close_cause cause, bool strict) {
  auto pick = [strict](uint16_t code) { return strict ? code : uint16_t{1000}; };
  switch (cause) {
    case close_cause::by_hub:
      return {1000, "Connection closed by server"};
    case close_cause::target_unknown:
      return {pick(1011), "Failed to monitor target PID"};
    case close_cause::new_target_unknown:
      return {pick(1011), "Failed to monitor new target PID"};
    case close_cause::target_exited:
      return {pick(1011), "target process exited"};
    case close_cause::message_too_big:
      return {pick(1009), "message too big"};
    case close_cause::slow_consumer:
      return {pick(1013), "slow consumer"};
    case close_cause::not_utf8:
      return {1007, "text is not UTF-8"};
    case close_cause::going_away:
      return {1001, "server is shutting down"};
  }
  return {};
}

std::string_view cut_reason(std::string_view reason) noexcept {
  constexpr size_t reason_bytes_max = 123;
  return hub::beginning_of(reason, reason_bytes_max);
}

} // namespace natterjack::relay
