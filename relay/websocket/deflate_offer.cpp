#include "relay/websocket/deflate_offer.hpp"

#include <algorithm>
#include <charconv>
#include <optional>
#include <set>

namespace natterjack::relay {

namespace {

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

// RFC 7692 7.1.2: 8 to 15, without leading zeros, as a token or a quoted text.
std::optional<int> read_bits(std::string_view text) noexcept {
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  int bits = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), bits);
  if (ec != std::errc{} || end != text.data() + text.size() || text.starts_with('0') || bits < 8 ||
      bits > 15)
    return std::nullopt;
  return bits;
}

// The window for one offer; nothing if it is another extension, malformed or cannot be met.
std::optional<int> window_for(std::string_view offer, int window_bits) {
  if (!same_word(trimmed(offer.substr(0, offer.find(';'))), "permessage-deflate"))
    return std::nullopt;
  std::set<std::string_view> seen;
  while (offer.find(';') != offer.npos) {
    offer.remove_prefix(offer.find(';') + 1);
    const auto item = trimmed(offer.substr(0, offer.find(';')));
    const auto equals = std::min(item.find('='), item.size());
    const auto name = trimmed(item.substr(0, equals));
    const bool has_value = equals < item.size();
    const auto value = has_value ? trimmed(item.substr(equals + 1)) : std::string_view{};
    if (!seen.insert(name).second)
      return std::nullopt;
    const auto bits = read_bits(value);
    if (name == "server_no_context_takeover" || name == "client_no_context_takeover") {
      if (has_value)
        return std::nullopt;
    } else if (name == "client_max_window_bits") {
      if (has_value && !bits)
        return std::nullopt;
    } else if (name == "server_max_window_bits") {
      if (!bits || *bits < 9) // zlib has no window of 2^8 without a head
        return std::nullopt;
      window_bits = std::min(window_bits, *bits);
    } else {
      return std::nullopt;
    }
  }
  return window_bits;
}

} // namespace

deflate_agreement agree_on_deflate(const http_request& upgrade, int window_bits) {
  if (window_bits == 0)
    return {};
  for (const auto& [name, value] : upgrade.headers) {
    if (!same_word(name, "Sec-WebSocket-Extensions"))
      continue;
    for (const auto offer : list_items(value)) {
      const auto bits = window_for(offer, window_bits);
      if (!bits)
        continue;
      std::string answer = "permessage-deflate; server_no_context_takeover; "
                           "client_no_context_takeover";
      if (*bits < 15)
        answer += "; server_max_window_bits=" + std::to_string(*bits);
      return {*bits, std::move(answer)};
    }
  }
  return {};
}

} // namespace natterjack::relay
