#include "relay/duration.hpp"

#include <array>
#include <cmath>
#include <cstdint>

namespace natterjack::relay {

namespace {

struct unit {
  std::string_view name;
  int64_t nanoseconds;
};

// Longer names first where one begins like another.
constexpr std::array units{
    unit{"ns", 1},           unit{"us", 1'000},         unit{"\xc2\xb5s", 1'000},
    unit{"ms", 1'000'000},   unit{"s", 1'000'000'000},  unit{"m", 60'000'000'000},
    unit{"h", 3'600'000'000'000},
};

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }

} // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text.front() == '+' || text.front() == '-')) {
    negative = text.front() == '-';
    text.remove_prefix(1);
  }
  if (text == "0")
    return std::chrono::nanoseconds(0);
  if (text.empty())
    return std::nullopt;
  long double sum = 0;
  while (!text.empty()) {
    long double number = 0;
    long double scale = 1;
    bool digits = false;
    for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), digits = true)
      number = number * 10 + (text.front() - '0');
    if (!text.empty() && text.front() == '.') {
      text.remove_prefix(1);
      for (; !text.empty() && is_digit(text.front()); text.remove_prefix(1), digits = true)
        number += (text.front() - '0') * (scale /= 10);
    }
    if (!digits)
      return std::nullopt;
    const unit* found = nullptr;
    for (const auto& u : units)
      if (text.starts_with(u.name) && (found == nullptr || u.name.size() > found->name.size()))
        found = &u;
    if (found == nullptr)
      return std::nullopt;
    text.remove_prefix(found->name.size());
    sum += number * static_cast<long double>(found->nanoseconds);
  }
  if (sum > 9.2e18L)
    return std::nullopt;
  const auto whole = static_cast<int64_t>(std::llround(sum));
  return std::chrono::nanoseconds(negative ? -whole : whole);
}

std::string format_duration(std::chrono::nanoseconds value) {
  auto left = value.count();
  if (left == 0)
    return "0s";
  std::string result;
  if (left < 0) {
    result = "-";
    left = -left;
  }
  auto with_fraction = [&result](int64_t whole, int64_t rest, int64_t one, const char* name) {
    result += std::to_string(whole);
    if (rest != 0) {
      std::string digits = std::to_string(one + rest).substr(1); // keeps leading zeros
      while (digits.back() == '0')
        digits.pop_back();
      result += '.' + digits;
    }
    result += name;
  };
  if (left < 1'000) {
    with_fraction(left, 0, 1, "ns");
  } else if (left < 1'000'000) {
    with_fraction(left / 1'000, left % 1'000, 1'000, "\xc2\xb5s");
  } else if (left < 1'000'000'000) {
    with_fraction(left / 1'000'000, left % 1'000'000, 1'000'000, "ms");
  } else {
    const auto seconds = left / 1'000'000'000;
    if (seconds >= 3600)
      result += std::to_string(seconds / 3600) + "h";
    if (seconds >= 60)
      result += std::to_string(seconds / 60 % 60) + "m";
    with_fraction(seconds % 60, left % 1'000'000'000, 1'000'000'000, "s");
  }
  return result;
}

} // namespace natterjack::relay
