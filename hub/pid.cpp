#include "hub/pid.hpp"

#include <charconv>

namespace natterjack::hub {

void append(std::string& out, const pid& id) {
  if (!id)
    return;
  char digits[16];
  auto [end, ec] = std::to_chars(digits, digits + sizeof digits, id.number(), 16);
  const auto count = static_cast<size_t>(end - digits);
  out += id.where()->prefix;
  if (count < 5)
    out.append(5 - count, '0');
  out.append(digits, count);
  out += '}';
}

std::string to_string(const pid& id) {
  std::string out;
  append(out, id);
  return out;
}

std::optional<pid_text> parse_pid(std::string_view text, std::string* error) {
  auto fail = [error](const char* why) -> std::optional<pid_text> {
    if (error != nullptr)
      *error = why;
    return std::nullopt;
  };
  if (text.size() < 2 || text.front() != '{' || text.back() != '}')
    return fail("invalid pid format: missing braces");
  auto inner = text.substr(1, text.size() - 2);
  const auto first = inner.find('|');
  if (first == std::string_view::npos)
    return fail("invalid pid format: missing pipe");
  auto place = inner.substr(0, first);
  auto number = inner.substr(inner.rfind('|') + 1);
  pid_text result;
  if (const auto at = place.find('@'); at != std::string_view::npos) {
    result.node = place.substr(0, at);
    place.remove_prefix(at + 1);
  }
  result.host = place;
  if (number.starts_with("0x"))
    number.remove_prefix(2);
  auto [end, ec] =
      std::from_chars(number.data(), number.data() + number.size(), result.number, 16);
  if (number.empty() || ec != std::errc{} || end != number.data() + number.size())
    return fail("invalid pid format: the part after the last pipe is not a hexadecimal number");
  return result;
}

} // namespace natterjack::hub
