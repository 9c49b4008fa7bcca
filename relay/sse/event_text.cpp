#include "relay/sse/event_text.hpp"

#include "relay/http/response_head.hpp"

#include <algorithm>

namespace natterjack::relay {

namespace {

std::string to_base64(std::string_view bytes) {
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t block = 0;
    const auto have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      block = block << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= have ? alphabet[block >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

} // namespace

void append_event(std::string& out, std::string_view name, std::string_view data) {
  out += "event: ";
  for (char c : name)
    out += c == '\n' || c == '\r' || c == '\0' ? ' ' : c;
  for (;;) {
    const auto end = data.find_first_of("\r\n");
    out.append("\ndata: ").append(data.substr(0, end));
    if (end == std::string_view::npos)
      break;
    data.remove_prefix(end + (data.substr(end, 2) == "\r\n" ? 2 : 1));
  }
  out += "\n\n";
}

std::string event_data(const hub::payload& value) {
  switch (value.kind()) {
    case hub::payload_kind::nil:
      return "null";
    case hub::payload_kind::binary:
      return to_base64(value.bytes());
    case hub::payload_kind::text:
    case hub::payload_kind::json:
      break;
  }
  return std::string(value.bytes());
}

hub::shared_bytes frame_events(std::string_view text, bool chunked) {
  return hub::shared_bytes(chunked ? std::string_view(encode_chunk(text)) : text);
}

hub::shared_bytes events_of(const hub::message_ptr& what, bool chunked) {
  // The last message of this thread: of a broadcast, the others find it encoded.
  thread_local hub::message_ptr last;
  thread_local hub::shared_bytes encoded[2];
  if (last != what) {
    last = nullptr;
    encoded[0] = encoded[1] = {};
  }
  auto& kept = encoded[chunked ? 1 : 0];
  if (!kept.empty())
    return kept;
  if (what->payloads().empty())
    return {};
  std::string text;
  for (const auto& value : what->payloads())
    append_event(text, what->topic(), event_data(value));
  auto bytes = frame_events(text, chunked);
  if (!what->is_shared())
    return bytes;
  last = what;
  kept = bytes;
  return bytes;
}

} // namespace natterjack::relay
