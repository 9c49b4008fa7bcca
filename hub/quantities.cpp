#include "hub/quantities.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace natterjack::hub {

namespace {

struct unit {
  std::string_view name;
  uint64_t factor;
};

constexpr std::array time_units{
    unit{"ns", 1},
    unit{"us", 1'000},
    unit{"µs", 1'000}, // U+00B5
    unit{"μs", 1'000},
    unit{"ms", 1'000'000},
    unit{"s", 1'000'000'000}, // U+03BC
    unit{"m", 60'000'000'000},
    unit{"h", 3'600'000'000'000},
};

constexpr uint64_t kibi = 1024;
constexpr std::array size_units{
    unit{"", 1},
    unit{"B", 1},
    unit{"kB", 1'000},
    unit{"KB", 1'000},
    unit{"MB", 1'000'000},
    unit{"GB", 1'000'000'000},
    unit{"TB", 1'000'000'000'000},
    unit{"KiB", kibi},
    unit{"MiB", kibi* kibi},
    unit{"GiB", kibi* kibi* kibi},
    unit{"TiB", kibi* kibi* kibi* kibi},
};

template <size_t N> const unit* find_unit(const std::array<unit, N>& units, std::string_view name) {
  auto found =
      std::find_if(units.begin(), units.end(), [name](const unit& u) { return u.name == name; });
  return found == units.end() ? nullptr : &*found;
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// Takes `12`, `1.5` or `.5` off the front. The fraction is kept as digits: no rounding surprises.
struct decimal {
  uint64_t whole = 0;
  uint64_t fraction = 0;
  uint64_t fraction_scale = 1; // 10^digits

  // Nothing when the product does not fit.
  std::optional<uint64_t> times(uint64_t factor) const {
    uint64_t product = 0;
    if (__builtin_mul_overflow(whole, factor, &product))
      return {};
    const auto part = static_cast<uint64_t>(static_cast<long double>(fraction) /
                                            static_cast<long double>(fraction_scale) *
                                            static_cast<long double>(factor));
    if (__builtin_add_overflow(product, part, &product))
      return {};
    return product;
  }
};

std::optional<decimal> take_decimal(std::string_view& text) {
  decimal made;
  size_t at = 0;
  size_t digits = 0;
  for (; at < text.size() && is_digit(text[at]); ++at, ++digits) {
    const auto digit = static_cast<uint64_t>(text[at] - '0');
    if (__builtin_mul_overflow(made.whole, uint64_t{10}, &made.whole) ||
        __builtin_add_overflow(made.whole, digit, &made.whole))
      return {};
  }
  if (at < text.size() && text[at] == '.') {
    for (++at; at < text.size() && is_digit(text[at]); ++at, ++digits) {
      if (made.fraction_scale >= 1'000'000'000'000'000)
        continue; // finer than anybody can mean
      made.fraction = made.fraction * 10 + static_cast<uint64_t>(text[at] - '0');
      made.fraction_scale *= 10;
    }
  }
  if (digits == 0)
    return {};
  text.remove_prefix(at);
  return made;
}

} // namespace

std::optional<std::chrono::nanoseconds> parse_duration(std::string_view text) {
  const bool negative = text.starts_with('-');
  if (negative || text.starts_with('+'))
    text.remove_prefix(1);
  if (text == "0")
    return std::chrono::nanoseconds{0};
  if (text.empty())
    return {};
  uint64_t total = 0;
  while (!text.empty()) {
    auto number = take_decimal(text);
    if (!number)
      return {};
    const auto name_end = std::min(text.find_first_of(".0123456789"), text.size());
    const unit* named = find_unit(time_units, text.substr(0, name_end));
    if (!named)
      return {};
    text.remove_prefix(name_end);
    auto part = number->times(named->factor);
    if (!part || __builtin_add_overflow(total, *part, &total))
      return {};
  }
  if (total > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return {};
  const auto count = static_cast<int64_t>(total);
  return std::chrono::nanoseconds{negative ? -count : count};
}

std::optional<uint64_t> parse_bytes(std::string_view text) {
  auto number = take_decimal(text);
  if (!number)
    return {};
  while (text.starts_with(' '))
    text.remove_prefix(1);
  const unit* named = find_unit(size_units, text);
  if (!named || (named->factor == 1 && number->fraction != 0))
    return {};
  auto bytes = number->times(named->factor);
  if (!bytes || *bytes > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
    return {};
  return bytes;
}

std::string format_duration(std::chrono::nanoseconds value) {
  auto left = static_cast<uint64_t>(value.count());
  if (left == 0)
    return "0s";
  std::string result;
  if (value.count() < 0) {
    result = "-";
    left = 0 - left; // unsigned: the least number there is has no opposite among the signed ones
  }
  auto with_fraction = [&result](uint64_t whole, uint64_t rest, uint64_t one, const char* name) {
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

} // namespace natterjack::hub
