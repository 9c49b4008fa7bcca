#include "actors/amqp/json_bytes.hpp"
#include "actors/amqp/python_json.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace natterjack::amqp {

namespace {

constexpr auto plain_byte = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0x20; c < 0x7f; ++c)
    table[c] = c != '"' && c != '\\';
  return table;
}();

void append_unit(std::string& out, uint32_t unit) {
  constexpr char digits[] = "0123456789abcdef";
  const char text[] = {'\\',
                       'u',
                       digits[unit >> 12 & 15],
                       digits[unit >> 8 & 15],
                       digits[unit >> 4 & 15],
                       digits[unit & 15]};
  out.append(text, sizeof text);
}

void append_code(std::string& out, uint32_t code) {
  if (code < 0x80 && plain_byte[code]) {
    out += static_cast<char>(code);
    return;
  }
  switch (code) {
  case '"':
    out += "\\\"";
    return;
  case '\\':
    out += "\\\\";
    return;
  case '\n':
    out += "\\n";
    return;
  case '\r':
    out += "\\r";
    return;
  case '\t':
    out += "\\t";
    return;
  case '\b':
    out += "\\b";
    return;
  case '\f':
    out += "\\f";
    return;
  default:
    break;
  }
  if (code >= 0x10000) {
    append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
    append_unit(out, 0xdc00 + (code & 0x3ff));
  } else {
    append_unit(out, code);
  }
}

// One code point of UTF-8 with surrogates allowed. @returns its length, 0 for broken bytes
size_t read_code(std::string_view text, size_t at, uint32_t& code) noexcept {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80   ? 1
                        : lead < 0xc2 ? 0
                        : lead < 0xe0 ? 2
                        : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4
                                      : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  code = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (byte & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return overlong || code > 0x10ffff ? 0 : length;
}

uint32_t read_hex(std::string_view digits) noexcept {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

// What one escape stands for; `at` moves behind it. Two surrogates in escapes are one code point.
uint32_t read_escape(std::string_view inside, size_t& at) noexcept {
  const char what = inside[at + 1];
  if (what != 'u') {
    at += 2;
    switch (what) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return static_cast<unsigned char>(what);
    }
  }
  auto code = read_hex(inside.substr(at + 2, 4));
  at += 6;
  if (code >= 0xd800 && code < 0xdc00 && inside.substr(at, 2) == "\\u") {
    const auto low = read_hex(inside.substr(at + 2, 4));
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
  }
  return code;
}

// Calls `take(code)` for each code point of a scanned string's inside.
template <class Take> void for_each_code(std::string_view inside, Take&& take) {
  for (size_t at = 0; at < inside.size();) {
    uint32_t code = 0;
    if (inside[at] == '\\') {
      code = read_escape(inside, at);
    } else if (const auto length = read_code(inside, at, code)) {
      at += length;
    } else {
      code = 0xfffd;
      ++at;
    }
    take(code);
  }
}

} // namespace

void append_python_text(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    auto end = at;
    while (end < text.size() && plain_byte[static_cast<unsigned char>(text[end])])
      ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size())
      break;
    uint32_t code = 0xfffd;
    const auto length = read_code(text, at, code);
    append_code(out, length == 0 ? 0xfffd : code);
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

void append_python_string(std::string& out, std::string_view inside, bool is_plain) {
  out += '"';
  if (is_plain)
    out += inside;
  else
    for_each_code(inside, [&out](uint32_t code) { append_code(out, code); });
  out += '"';
}

std::string unescape_json(std::string_view inside) {
  std::string result;
  result.reserve(inside.size());
  for_each_code(inside, [&result](uint32_t code) { append_utf8(result, code); });
  return result;
}

double read_double(std::string_view number) noexcept {
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec == std::errc::result_out_of_range) // too big or too small, it does not say which
    value = std::strtod(std::string(number).c_str(), nullptr);
  return value;
}

void append_python_number(std::string& out, std::string_view number, bool is_integer,
                          number_style style) {
  if (!is_integer)
    append_python_float(out, read_double(number), style);
  else
    out += number == "-0" ? "0" : number;
}

void append_python_float(std::string& out, double value, number_style style) {
  if (!std::isfinite(value)) {
    if (style == number_style::strict)
      out += "null";
    else
      out += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  // "d.ddde±xx": the shortest digits; Python lays them out by its own rule.
  char text[40];
  const auto made = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string_view all(text, static_cast<size_t>(made.ptr - text));
  if (all.starts_with('-')) {
    out += '-';
    all.remove_prefix(1);
  }
  const auto mark = all.find('e');
  int exponent = 0;
  const auto* from = all.data() + mark + 1 + (all[mark + 1] == '+' ? 1 : 0);
  std::from_chars(from, all.data() + all.size(), exponent);
  std::string digits(1, all[0]);
  if (mark > 2)
    digits += all.substr(2, mark - 2);
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent > 15) {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += exponent < 0 ? "e-" : "e+";
    const auto size = std::abs(exponent);
    if (size < 10)
      out += '0';
    out += std::to_string(size);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
  } else if (count > exponent + 1) {
    out.append(digits, 0, static_cast<size_t>(exponent) + 1);
    out += '.';
    out.append(digits, static_cast<size_t>(exponent) + 1);
  } else {
    out += digits;
    out.append(static_cast<size_t>(exponent + 1 - count), '0');
    out += ".0";
  }
}

} // namespace natterjack::amqp
