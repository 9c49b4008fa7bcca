#include "runtime/lua/http/http_text.hpp"

#include "hub/text.hpp"
#include <algorithm>
#include <cstring>
#include <strings.h>

namespace natterjack::runtime::lua {

namespace {

// Takes what stands in front of the next `separator` from `rest`.
std::string_view take_until(std::string_view& rest, char separator) noexcept {
  const size_t at = rest.find(separator);
  const std::string_view part = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return part;
}

// Appends the decoded form; there is room for it.
void percent_decode(std::string_view text, byte_buffer& out) {
  const auto digit = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
        digit(text[i + 2]) >= 0) {
      out.put(static_cast<char>(digit(text[i + 1]) << 4 | digit(text[i + 2])));
      i += 2;
    } else {
      out.put(text[i] == '+' ? ' ' : text[i]);
    }
  }
}

// How exactly a range of an Accept header names a type: 0 not at all, 3 by its full name.
int match_range(std::string_view range, std::string_view type) {
  if (range == "*/*")
    return 1;
  if (range.ends_with("/*") &&
      hub::same_text(range.substr(0, range.size() - 1), type.substr(0, range.size() - 1)))
    return 2;
  return hub::same_text(range, type) ? 3 : 0;
}

} // namespace

bool next_query_pair(std::string_view& rest, byte_buffer& buffer, query_pair& pair) noexcept {
  while (!rest.empty()) {
    std::string_view value = take_until(rest, '&');
    if (value.empty())
      continue;
    const std::string_view key = take_until(value, '=');
    buffer.clear();
    if (!buffer.ensure(key.size() + value.size()))
      return false;
    percent_decode(key, buffer);
    const size_t key_size = buffer.size();
    percent_decode(value, buffer);
    pair = {buffer.view().substr(0, key_size), buffer.view().substr(key_size)};
    return true;
  }
  return false;
}

bool is_token(std::string_view name) noexcept {
  return !name.empty() && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           (c != '\0' && std::strchr("!#$%&'*+-.^_`|~", c) != nullptr);
  });
}

bool is_header_value(std::string_view value) noexcept {
  return std::all_of(value.begin(), value.end(), [](char c) {
    return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7F);
  });
}

std::string_view media_type(std::string_view value) noexcept {
  return hub::trimmed(take_until(value, ';'));
}

bool accepts_type(std::string_view accept, std::string_view type) noexcept {
  int best = 0;
  bool accepted = false;
  while (!accept.empty()) {
    std::string_view parameters = take_until(accept, ',');
    const std::string_view range = hub::trimmed(take_until(parameters, ';'));
    bool refused = false;
    while (!parameters.empty()) {
      const std::string_view parameter = hub::trimmed(take_until(parameters, ';'));
      if (parameter.starts_with("q=0") || parameter.starts_with("Q=0"))
        refused = parameter.find_first_not_of("0.", 2) == std::string_view::npos;
    }
    if (const int exact = match_range(range, type); exact > best) {
      best = exact;
      accepted = !refused;
    }
  }
  return accepted;
}

} // namespace natterjack::runtime::lua
