#include "actors/amqp/actor_request.hpp"

#include "actors/amqp/field_table.hpp"
#include "actors/amqp/json_bytes.hpp"

#include <ctime>

namespace natterjack::amqp {

namespace {

constexpr size_t depth_max = 512;

} // namespace

bool read_actor_request(const delivery& from, actor_request& to) {
  static const amqp_table_t none{};
  const auto& p = *from.properties;
  const auto& headers = (p._flags & AMQP_BASIC_HEADERS_FLAG) != 0 ? p.headers : none;
  auto header = [&headers](std::string_view name) {
    const auto* value = find(headers, name);
    return value == nullptr ? json_value{} : to_json(*value);
  };
  to.command_id = header("command_id");
  to.commander_id = header("commander_id");
  to.internal = header("internal").is_truthy();
  const auto log = header("write_to_log");
  to.write_to_log = log.is(json_value::kind::null) || log.is_truthy();
  to.is_task = header("task").is_truthy();
  std::string storage;
  const auto text = decode_json_bytes(from.body, storage);
  json_error error;
  auto body = text ? json_value::parse(*text, error, depth_max) : std::nullopt;
  if (!body || from.is_oversized)
    return false;
  to.body = std::move(*body);
  return true;
}

publication to_publication(const actor_request& to, const speaker& from, const std::string& code,
                           const json_value& body, bool is_internal, const std::string& key) {
  publication p;
  p.exchange = from.exchange;
  p.routing_key = key;
  p.headers = json_value::make_object({{"command_id", to.command_id},
                                       {"commander_id", to.commander_id},
                                       {"internal", json_value(is_internal)},
                                       {"message_code", json_value(code)},
                                       {"sender", json_value(from.name)}});
  p.content_type = "text/json";
  p.priority = 0; // as CLU's library always says
  if (!to.command_id.is(json_value::kind::null))
    p.correlation_id = to.command_id.to_python_text();
  p.timestamp = static_cast<uint64_t>(std::time(nullptr));
  body.write(p.body, number_style::strict);
  return p;
}

} // namespace natterjack::amqp
