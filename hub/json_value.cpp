#include "hub/json_value.hpp"

namespace natterjack {

namespace {

// Brackets outside of strings; whether they match is the parser's business.
bool is_too_deep(std::string_view text) noexcept {
  size_t depth = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > json_depth_max)
        return true;
    } else if ((c == ']' || c == '}') && depth != 0) {
      --depth;
    }
  }
  return false;
}

} // namespace

std::string problem_of(const std::exception& e) {
  // "[json.exception.type_error.302] type must be string, but is number"
  std::string_view text = e.what();
  if (text.starts_with("[json.exception.")) {
    if (const auto end = text.find("] "); end != std::string_view::npos)
      text.remove_prefix(end + 2);
  }
  return std::string(text);
}

result<json> parse_json(std::string_view text) {
  if (is_too_deep(text))
    return result<json>::failed("JSON of more than " + std::to_string(json_depth_max) + " levels");
  try {
    return result<json>(json::parse(text));
  } catch (const json::exception& e) {
    return result<json>::failed("no JSON: " + problem_of(e));
  }
}

json json_of(const hub::payload& value) {
  switch (value.kind()) {
    case hub::payload_kind::nil:
      return nullptr;
    case hub::payload_kind::json:
      return json::parse(value.bytes(), nullptr, false);
    case hub::payload_kind::text:
    case hub::payload_kind::binary:
      break;
  }
  return std::string(value.bytes());
}

hub::payload to_payload(const json& value) {
  if (value.is_null())
    return {};
  // A string that is not UTF-8 must not end the hub that passes it on.
  return hub::payload::json(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

} // namespace natterjack
