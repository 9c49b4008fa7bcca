#include "actors/pow/json_text.hpp"

#include "actors/pow/utf8.hpp"
#include "hub/base64.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>

namespace natterjack::pow {

namespace {

constexpr std::string_view line_separator = "\xe2\x80\xa8";
constexpr std::string_view paragraph_separator = "\xe2\x80\xa9";

// ASCII that means itself in a JSON string and in a page.
constexpr bool is_plain(char c) noexcept {
  return static_cast<signed char>(c) >= 0x20 && c != '"' && c != '\\' && c != '<' && c != '>' &&
         c != '&';
}

void append_unicode_escape(std::string& out, unsigned code) {
  constexpr char digits[] = "0123456789abcdef";
  out += "\\u";
  for (int shift = 12; shift >= 0; shift -= 4)
    out += digits[(code >> shift) & 15];
}

void append_ascii(std::string& out, char c) {
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '<':
    case '>':
    case '&':
      append_unicode_escape(out, static_cast<unsigned char>(c));
      break;
    default:
      if (static_cast<unsigned char>(c) < 0x20)
        append_unicode_escape(out, static_cast<unsigned char>(c));
      else
        out += c;
  }
}

bool append_double(std::string& out, double number) {
  if (!std::isfinite(number))
    return false;
  const double size = std::fabs(number);
  const bool plain = size == 0 || (size >= 1e-6 && size < 1e21);
  char text[64];
  const auto end = std::to_chars(text, text + sizeof text, number,
                                 plain ? std::chars_format::fixed : std::chars_format::scientific)
                       .ptr;
  out.append(text, end);
  // An exponent has as few digits as it needs when negative: 1e-7, but 1e+21.
  if (!plain && out.size() >= 4 && out[out.size() - 4] == 'e' && out[out.size() - 3] == '-' &&
      out[out.size() - 2] == '0')
    out.erase(out.size() - 2, 1);
  return true;
}

bool append(std::string& out, const nlohmann::json& value) {
  using type = nlohmann::json::value_t;
  switch (value.type()) {
    case type::object: {
      out += '{';
      bool first = true;
      for (const auto& [key, member] : value.items()) {
        if (!std::exchange(first, false))
          out += ',';
        append_json_text(out, key);
        out += ':';
        if (!append(out, member))
          return false;
      }
      out += '}';
      return true;
    }
    case type::array: {
      out += '[';
      for (size_t i = 0; i < value.size(); ++i) {
        if (i != 0)
          out += ',';
        if (!append(out, value[i]))
          return false;
      }
      out += ']';
      return true;
    }
    case type::string:
      append_json_text(out, value.get_ref<const std::string&>());
      return true;
    case type::number_float:
      return append_double(out, value.get<double>());
    case type::binary: {
      const auto& bytes = value.get_binary();
      out += '"';
      hub::append_base64(out, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
      out += '"';
      return true;
    }
    case type::discarded:
      return false;
    default: // null, booleans, integers
      out += value.dump();
      return true;
  }
}

} // namespace

void append_json_text(std::string& out, std::string_view text) {
  out.reserve(out.size() + text.size() + 2);
  out += '"';
  size_t begin = 0; // of what can stand as it is
  for (size_t i = 0; i < text.size();) {
    if (is_plain(text[i])) {
      ++i;
      continue;
    }
    const bool is_ascii = static_cast<unsigned char>(text[i]) < 0x80;
    const auto length = is_ascii ? 1 : character_at(text, i);
    const auto character = text.substr(i, length);
    if (!is_ascii && length != 0 && character != line_separator &&
        character != paragraph_separator) {
      i += length;
      continue;
    }
    out.append(text, begin, i - begin);
    if (is_ascii)
      append_ascii(out, text[i]);
    else
      append_unicode_escape(out, length == 0                   ? 0xfffd
                                 : character == line_separator ? 0x2028
                                                               : 0x2029);
    i += std::max<size_t>(length, 1);
    begin = i;
  }
  out.append(text, begin);
  out += '"';
}

std::string json_list(std::span<const std::string> items) {
  std::string result = "[";
  for (const auto& item : items) {
    if (result.size() > 1)
      result += ',';
    append_json_text(result, item);
  }
  return result += ']';
}

std::optional<std::string> json_value(const nlohmann::json& value) {
  std::string result;
  if (!append(result, value))
    return std::nullopt;
  return result;
}

std::optional<std::string> json_document(std::string_view document) {
  const auto parsed = nlohmann::json::parse(document, nullptr, false);
  return parsed.is_discarded() ? std::nullopt : json_value(parsed);
}

} // namespace natterjack::pow
