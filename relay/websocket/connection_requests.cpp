#include "relay/websocket/connection_requests.hpp"

#include "relay/frame.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::relay {

using nlohmann::json;
constexpr auto replace = json::error_handler_t::replace;

std::string as_utf8(std::string_view bytes) {
  if (hub::is_utf8(bytes))
    return std::string(bytes);
  std::string quoted;
  append_json_string(quoted, bytes);
  return json::parse(quoted).get<std::string>();
}

close_frame read_close_request(std::span<const hub::payload> values, std::string& problem) {
  auto frame = close_for(close_cause::by_hub, false);
  if (values.empty() || values.front().kind() == hub::payload_kind::nil)
    return frame;
  const auto& value = values.front();
  if (value.kind() != hub::payload_kind::json) {
    frame.reason = as_utf8(value.bytes());
    return frame;
  }
  auto body = json::parse(value.bytes().begin(), value.bytes().end(), nullptr, false);
  if (body.is_string()) {
    frame.reason = body.get<std::string>();
  } else if (body.is_object() && (body.contains("code") || body.contains("reason"))) {
    if (auto code = body.find("code"); code != body.end() && !code->is_null()) {
      if (code->is_number_integer() && may_send(code->get<int64_t>()))
        frame.code = static_cast<uint16_t>(code->get<int64_t>());
      else
        problem = "code: expected a number that may be sent (1000 to 1003, 1007 to 1014, 3000 to "
                  "4999), found " + body["code"].dump(-1, ' ', false, replace) + "; 1000 is sent";
    }
    frame.reason.clear();
    if (auto reason = body.find("reason"); reason != body.end() && !reason->is_null()) {
      if (reason->is_string())
        frame.reason = reason->get<std::string>();
      else
        problem = "reason: expected a string, found " + reason->dump(-1, ' ', false, replace);
    }
  } else if (!body.is_discarded() && !body.is_null()) {
    frame.reason = body.dump(-1, ' ', false, replace);
  }
  return frame;
}

std::optional<relay_config> read_control_request(const hub::payload& value, std::string& error) {
  // A JSON string in a JSON value: the author encoded the table and the sender encoded the string.
  if (value.kind() == hub::payload_kind::json && value.bytes().starts_with('"')) {
    auto inner = json::parse(value.bytes().begin(), value.bytes().end(), nullptr, false);
    if (inner.is_string())
      return parse_relay_config(inner.get_ref<const std::string&>(), error);
  }
  return parse_relay_config(value.bytes(), error);
}

} // namespace natterjack::relay
