// The scalar rules of YAML 1.2 (core schema, section 10.3.2).
#include "runtime/config/source/config_value.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

namespace natterjack::runtime {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), text) != words.end();
}

std::optional<int64_t> whole_number(std::string_view text) {
  int base = 10;
  std::string digits;
  if (text.starts_with("0x") || text.starts_with("0o")) {
    base = text[1] == 'x' ? 16 : 8;
    text.remove_prefix(2);
  } else if (text.starts_with('-') || text.starts_with('+')) {
    if (text[0] == '-')
      digits = "-";
    text.remove_prefix(1);
  }
  if (text.empty() || text[0] == '-') // from_chars would take a second sign
    return {};
  digits += text;
  int64_t value = 0;
  const char* end = digits.data() + digits.size();
  auto [stopped, error] = std::from_chars(digits.data(), end, value, base);
  if (error != std::errc{} || stopped != end)
    return {};
  return value;
}

std::optional<double> real_number(std::string_view text) {
  std::string_view rest = text;
  const bool negative = rest.starts_with('-');
  if (negative || rest.starts_with('+'))
    rest.remove_prefix(1);
  if (is_one_of(rest, {".inf", ".Inf", ".INF"})) {
    const double infinity = std::numeric_limits<double>::infinity();
    return negative ? -infinity : infinity;
  }
  if (is_one_of(text, {".nan", ".NaN", ".NAN"}))
    return std::nan("");
  const bool begins_well = !rest.empty() && (is_digit(rest[0]) || rest[0] == '.') &&
                           std::any_of(rest.begin(), rest.end(), is_digit);
  if (!begins_well)
    return {};
  double value = 0;
  const char* end = rest.data() + rest.size();
  auto [stopped, error] = std::from_chars(rest.data(), end, value);
  if (stopped != end || error == std::errc::invalid_argument)
    return {};
  if (error == std::errc::result_out_of_range)
    return {}; // stays text, which the schema then refuses by name
  return negative ? -value : value;
}

} // namespace

config_value typed_scalar(std::string_view text, int line) {
  config_value made;
  if (text.empty() || is_one_of(text, {"~", "null", "Null", "NULL"}))
    made = config_value();
  else if (is_one_of(text, {"true", "True", "TRUE"}))
    made = config_value::boolean(true);
  else if (is_one_of(text, {"false", "False", "FALSE"}))
    made = config_value::boolean(false);
  else if (auto whole = whole_number(text))
    made = config_value::integer(*whole);
  else if (auto value = real_number(text))
    made = config_value::real(*value);
  else
    made = config_value::text(std::string(text));
  if (made.kind() != value_kind::text)
    made.set_written(std::string(text));
  made.set_plain(true);
  made.set_line(line);
  return made;
}

} // namespace natterjack::runtime
