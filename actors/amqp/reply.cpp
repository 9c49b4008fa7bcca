#include "actors/amqp/reply.hpp"

#include "actors/amqp/field_table.hpp"
#include "actors/amqp/json_bytes.hpp"
#include "actors/amqp/python_json.hpp"
#include "relay/deflated_frame.hpp"
#include "relay/frame.hpp"

#include <caf/make_counted.hpp>

#include <cmath>
#include <cstdio>

namespace natterjack::amqp {

const char* to_string(reply_fault fault) noexcept {
  switch (fault) {
  case reply_fault::none:
    return "none";
  case reply_fault::no_code:
    return "no message code";
  case reply_fault::foreign_id:
    return "command id is not the correlation id";
  case reply_fault::not_json:
    return "body is not JSON";
  case reply_fault::too_deep:
    return "body is nested too deeply";
  case reply_fault::too_big:
    return "body is too big";
  case reply_fault::bad_timestamp:
    return "timestamp is beyond year 9999";
  }
  return "unknown";
}

std::string_view reply::consumer() const noexcept {
  const auto dot = commander_id.rfind('.');
  return dot == std::string::npos ? std::string_view(commander_id)
                                  : std::string_view(commander_id).substr(dot + 1);
}

// -- timestamps ---------------------------------------------------------------

std::optional<std::string> format_timestamp(uint64_t value) {
  double seconds = 0;
  double fraction = 0;
  if (value > 0xffffffffU) // as doubles: CLU's library divides, and its rounding shows
    fraction = std::modf(static_cast<double>(value) / 1000.0, &seconds);
  else
    seconds = static_cast<double>(value);
  auto micros = std::nearbyint(fraction * 1e6); // half to even
  if (micros >= 1e6) {
    micros -= 1e6;
    seconds += 1;
  }
  constexpr double end_of_9999 = 253402300800.0;
  if (!(seconds < end_of_9999))
    return std::nullopt;
  const auto time = static_cast<time_t>(seconds);
  tm utc{};
  ::gmtime_r(&time, &utc);
  char text[64];
  auto size = std::snprintf(text, sizeof text, "%04d-%02d-%02dT%02d:%02d:%02d", utc.tm_year + 1900,
                            utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec);
  if (micros > 0)
    size += std::snprintf(text + size, sizeof text - static_cast<size_t>(size), ".%06d",
                          static_cast<int>(micros));
  return std::string(text, static_cast<size_t>(size)) + "+00:00";
}

namespace {

// Python's str() of a header value; "" for one that is not there.
std::string text_of(const amqp_field_value_t* value) {
  if (value == nullptr)
    return {};
  if (value->kind == AMQP_FIELD_KIND_UTF8)
    return std::string(view(value->value.bytes));
  return to_json(*value).to_python_text();
}

// An id that Python would take for false is no id.
std::string id_of(const amqp_field_value_t* value) {
  if (value == nullptr || value->kind == AMQP_FIELD_KIND_VOID)
    return {};
  if (value->kind == AMQP_FIELD_KIND_UTF8)
    return std::string(view(value->value.bytes));
  const auto id = to_json(*value);
  return id.is_truthy() ? id.to_python_text() : std::string();
}

void append_short(std::string& out, const amqp_basic_properties_t& p, amqp_flags_t flag,
                  const amqp_bytes_t& text) {
  if ((p._flags & flag) == 0 || text.len == 0 || !hub::is_utf8(view(text)))
    out += "null";
  else
    append_python_text(out, view(text));
}

} // namespace

reply_ptr read_reply(const delivery& from, const reply_options& options, reply_demand demand,
                     reply_fault& fault, std::string& why) {
  auto refuse = [&fault](reply_fault what) {
    fault = what;
    return reply_ptr{};
  };
  const auto& p = *from.properties;
  static const amqp_table_t no_headers{};
  const auto& headers = (p._flags & AMQP_BASIC_HEADERS_FLAG) != 0 ? p.headers : no_headers;

  auto code = text_of(find(headers, "message_code"));
  if (code.empty())
    return refuse(reply_fault::no_code);
  auto command_id = id_of(find(headers, "command_id"));
  const auto correlation_id = (p._flags & AMQP_BASIC_CORRELATION_ID_FLAG) != 0
                                  ? view(p.correlation_id)
                                  : std::string_view{};
  if (!command_id.empty() && command_id != correlation_id)
    return refuse(reply_fault::foreign_id);
  std::optional<std::string> timestamp;
  if ((p._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0) {
    timestamp = format_timestamp(p.timestamp);
    if (!timestamp)
      return refuse(reply_fault::bad_timestamp);
  }
  if (from.is_oversized)
    return refuse(reply_fault::too_big);

  thread_local std::string converted;
  thread_local std::string text;
  text.clear();
  text += R"({"headers": )";
  append_json(text, headers, options.numbers);
  text += R"(, "exchange": )";
  append_python_text(text, from.exchange);
  text += R"(, "message_id": )";
  append_short(text, p, AMQP_BASIC_MESSAGE_ID_FLAG, p.message_id);
  text += R"(, "routing_key": )";
  append_python_text(text, from.routing_key);
  text += R"(, "timestamp": )";
  text += timestamp ? "\"" + *timestamp + "\"" : "null";
  text += R"(, "body": )";
  const auto body_at = text.size();

  auto result = caf::make_counted<reply>();
  const auto body = decode_json_bytes(from.body, converted);
  json_error error{json_error::cause::not_utf8, 0, "a broken character"};
  if (body)
    error = transcode_json(*body, text,
                           {options.numbers, options.depth_max, options.frame_bytes_max,
                            demand.keys ? &result->keys : nullptr});
  if (error) {
    why = to_string(error);
    return refuse(error.what == json_error::cause::too_deep          ? reply_fault::too_deep
                  : error.what == json_error::cause::refused_by_sink ? reply_fault::too_big
                                                                     : reply_fault::not_json);
  }
  const auto body_size = text.size() - body_at;
  text += '}';

  result->frame = relay::encode_frame(relay::opcode::text, text);
  if (demand.deflated)
    result->deflated = relay::encode_deflated_frame(text, deflate_window_bits);
  result->body_at = body_at + (result->frame.size() - text.size());
  result->body_size = body_size;
  result->sender = text_of(find(headers, "sender"));
  result->code = std::move(code);
  result->command_id = std::move(command_id);
  result->commander_id = text_of(find(headers, "commander_id"));
  const auto* internal = find(headers, "internal");
  result->internal = internal != nullptr && internal->kind == AMQP_FIELD_KIND_BOOLEAN &&
                     internal->value.boolean != 0;
  constexpr size_t kept_bytes_max = 1 << 20; // one huge reply must not stay for ever
  if (text.capacity() > kept_bytes_max)
    std::string().swap(text);
  if (converted.capacity() > kept_bytes_max)
    std::string().swap(converted);
  return result;
}

reply_ptr make_reply(const local_reply& parts) {
  std::string text = R"({"headers": )";
  parts.headers.write(text, number_style::strict);
  text += R"(, "exchange": )";
  append_python_text(text, parts.exchange);
  text += R"(, "message_id": )";
  append_python_text(text, parts.message_id);
  text += R"(, "routing_key": )";
  append_python_text(text, parts.routing_key);
  text += R"(, "timestamp": null, "body": )";
  auto result = caf::make_counted<reply>();
  const auto body_at = text.size();
  parts.body.write(text, number_style::strict);
  result->body_size = text.size() - body_at;
  text += '}';
  result->frame = relay::encode_frame(relay::opcode::text, text);
  result->body_at = body_at + (result->frame.size() - text.size());
  auto text_header = [&parts](std::string_view name) {
    const auto* value = parts.headers.find(name);
    return value == nullptr || value->is(json_value::kind::null) ? std::string()
                                                                 : value->to_python_text();
  };
  result->sender = text_header("sender");
  result->code = text_header("message_code");
  result->command_id = text_header("command_id");
  result->commander_id = text_header("commander_id");
  result->is_held = true;
  for (const auto& member : parts.body.members())
    result->keys.push_back(member.first);
  return result;
}

} // namespace natterjack::amqp
