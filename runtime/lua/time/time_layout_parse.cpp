#include "runtime/lua/time/time_layout.hpp"

#include <optional>
#include <strings.h>

namespace natterjack::runtime::lua {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// What a text has said so far.
struct fields {
  int64_t year = 0;
  std::optional<int> month, day, year_day;
  int hour = 0, minute = 0, second = 0, nanoseconds = 0;
  std::optional<bool> afternoon;
  std::optional<int32_t> offset;
  std::string_view zone;
};

class time_parser {
 public:
  time_parser(std::string_view layout, std::string_view text) : layout_(layout), rest_(text) {}

  // Fills `said`. Returns false if an element is not there; see `expected`.
  bool read(fields& said) {
    while (!layout_.empty()) {
      const layout_item item = next_layout_item(layout_);
      if (!skip_literal(item.literal))
        return missed(item.literal);
      if (item.kind != layout_item::end && !read_item(item, said))
        return missed(item.text);
    }
    return rest_.empty() || missed("the end of the text");
  }

  std::string_view expected() const { return expected_; }
  std::string_view rest() const { return rest_; }
  bool out_of_range() const { return out_of_range_; }

 private:
  bool missed(std::string_view what) {
    expected_ = what;
    return false;
  }

  // A space in a layout stands for any number of them.
  bool skip_literal(std::string_view literal) {
    while (!literal.empty()) {
      if (literal.front() == ' ') {
        if (!rest_.empty() && rest_.front() != ' ')
          return false;
        while (literal.starts_with(' '))
          literal.remove_prefix(1);
        while (rest_.starts_with(' '))
          rest_.remove_prefix(1);
        continue;
      }
      if (!rest_.starts_with(literal.front()))
        return false;
      literal.remove_prefix(1);
      rest_.remove_prefix(1);
    }
    return true;
  }

  // Takes between `least` and `most` digits.
  bool digits(size_t least, size_t most, int& number) {
    size_t count = 0;
    number = 0;
    while (count < most && count < rest_.size() && is_digit(rest_[count]))
      number = number * 10 + (rest_[count++] - '0');
    if (count < least)
      return false;
    rest_.remove_prefix(count);
    return true;
  }

  bool in_range(int number, int low, int high) {
    out_of_range_ = number < low || number > high;
    return !out_of_range_;
  }

  bool ranged(size_t least, size_t most, int low, int high, int& number) {
    const std::string_view before = rest_;
    if (digits(least, most, number) && in_range(number, low, high))
      return true;
    rest_ = before;
    return false;
  }

  template <size_t N> bool name(const std::string_view (&names)[N], bool full, int& index) {
    for (size_t i = 0; i < N; ++i) {
      const size_t length = full ? names[i].size() : 3;
      if (rest_.size() >= length && ::strncasecmp(rest_.data(), names[i].data(), length) == 0) {
        rest_.remove_prefix(length);
        index = static_cast<int>(i);
        return true;
      }
    }
    return false;
  }

  bool take(std::string_view word) {
    if (!rest_.starts_with(word))
      return false;
    rest_.remove_prefix(word.size());
    return true;
  }

  bool read_item(const layout_item& item, fields& said) {
    int number = 0;
    switch (item.kind) {
    case layout_item::end:
      return true;
    case layout_item::year:
      if (!digits(2, 2, number))
        return false;
      said.year = number + (number >= 69 ? 1900 : 2000);
      return true;
    case layout_item::long_year:
      if (!digits(4, 4, number))
        return false;
      said.year = number;
      return true;
    case layout_item::long_month:
    case layout_item::month:
      if (!name(month_names, item.kind == layout_item::long_month, number))
        return false;
      said.month = number + 1;
      return true;
    case layout_item::month_number:
    case layout_item::month_padded:
      if (!ranged(item.kind == layout_item::month_padded ? 2 : 1, 2, 1, 12, number))
        return false;
      said.month = number;
      return true;
    case layout_item::long_weekday:
    case layout_item::weekday: // says nothing new
      return name(weekday_names, item.kind == layout_item::long_weekday, number);
    case layout_item::day_spaced:
      take(" ");
      [[fallthrough]];
    case layout_item::day:
    case layout_item::day_padded:
      if (!digits(item.kind == layout_item::day_padded ? 2 : 1, 2, number))
        return false;
      said.day = number; // its range depends on the month
      return true;
    case layout_item::year_day_spaced:
      while (take(" ")) {
      }
      [[fallthrough]];
    case layout_item::year_day_padded:
      if (!ranged(item.kind == layout_item::year_day_padded ? 3 : 1, 3, 1, 366, number))
        return false;
      said.year_day = number;
      return true;
    case layout_item::hour24:
      return ranged(1, 2, 0, 23, said.hour);
    case layout_item::hour12:
    case layout_item::hour12_padded:
      return ranged(item.kind == layout_item::hour12_padded ? 2 : 1, 2, 0, 12, said.hour);
    case layout_item::minute:
    case layout_item::minute_padded:
      return ranged(item.kind == layout_item::minute_padded ? 2 : 1, 2, 0, 59, said.minute);
    case layout_item::second:
    case layout_item::second_padded:
      return ranged(item.kind == layout_item::second_padded ? 2 : 1, 2, 0, 59, said.second) &&
             unasked_fraction(said);
    case layout_item::half_upper:
    case layout_item::half_lower: {
      const bool upper = item.kind == layout_item::half_upper;
      const bool afternoon = take(upper ? "PM" : "pm");
      if (!afternoon && !take(upper ? "AM" : "am"))
        return false;
      said.afternoon = afternoon;
      return true;
    }
    case layout_item::zone_name:
      return zone_name(said);
    case layout_item::zone_offset:
      return zone_offset(item, said);
    case layout_item::fraction:
      return fraction(static_cast<size_t>(item.parts), said);
    case layout_item::short_fraction:
      if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1]))
        return true; // may be absent
      return fraction(0, said);
    }
    return false;
  }

  // Seconds may have a fraction that the layout does not mention.
  bool unasked_fraction(fields& said) {
    if (rest_.size() < 2 || (rest_[0] != '.' && rest_[0] != ',') || !is_digit(rest_[1]))
      return true;
    std::string_view ahead = layout_;
    const layout_item next = next_layout_item(ahead);
    if (next.literal.empty() &&
        (next.kind == layout_item::fraction || next.kind == layout_item::short_fraction))
      return true;
    return fraction(0, said);
  }

  // A point and digits: exactly `count`, or all of them if that is 0.
  bool fraction(size_t count, fields& said) {
    if (rest_.empty() || (rest_[0] != '.' && rest_[0] != ','))
      return false;
    size_t found = 0;
    int64_t nanoseconds = 0;
    for (; 1 + found < rest_.size() && is_digit(rest_[1 + found]) && (count == 0 || found < count);
         ++found)
      if (found < 9)
        nanoseconds = nanoseconds * 10 + (rest_[1 + found] - '0');
    if (found == 0 || (count != 0 && found != count))
      return false;
    for (size_t i = found; i < 9; ++i)
      nanoseconds *= 10;
    said.nanoseconds = static_cast<int>(nanoseconds);
    rest_.remove_prefix(1 + found);
    return true;
  }

  bool zone_offset(const layout_item& item, fields& said) {
    if (item.utc_is_z && take("Z")) {
      said.offset = 0;
      said.zone = "UTC";
      return true;
    }
    const std::string_view before = rest_;
    const bool negative = rest_.starts_with('-');
    if (!take("-") && !take("+"))
      return false;
    int32_t seconds = 0;
    for (int part = 1, unit = 3'600; part <= item.parts; ++part, unit /= 60) {
      int number = 0;
      if ((part > 1 && item.with_colons && !take(":")) || !digits(2, 2, number) ||
          !in_range(number, 0, part == 1 ? 24 : 59)) {
        rest_ = before;
        return false;
      }
      seconds += number * unit;
    }
    said.offset = negative ? -seconds : seconds;
    return true;
  }

  // UTC, EST, CEST, GMT+3, +03
  bool zone_name(fields& said) {
    size_t length = 0;
    while (length < rest_.size() && length < 5 && rest_[length] >= 'A' && rest_[length] <= 'Z')
      ++length;
    const bool signed_hours = length == 0 || rest_.substr(0, length) == "GMT";
    if (signed_hours && length < rest_.size() && (rest_[length] == '+' || rest_[length] == '-')) {
      size_t end = length + 1;
      int hours = 0;
      while (end < rest_.size() && end < length + 3 && is_digit(rest_[end]))
        hours = hours * 10 + (rest_[end++] - '0');
      if (end > length + 1 && hours <= 24) {
        said.offset = (rest_[length] == '-' ? -3'600 : 3'600) * hours;
        length = end;
      }
    }
    if (length < 3)
      return false;
    said.zone = rest_.substr(0, length);
    rest_.remove_prefix(length);
    return true;
  }

  std::string_view layout_;
  std::string_view rest_;
  std::string_view expected_;
  bool out_of_range_ = false;
};

location fixed_location(std::string_view name, int32_t offset) {
  location where;
  where.offset = offset;
  const size_t length = name.size() < sizeof(where.name) ? name.size() : sizeof(where.name) - 1;
  name.copy(where.name, length);
  where.name[length] = '\0';
  return where;
}

// Puts a wall clock time into the zone that the text names.
void place(const fields& said, int64_t wall, const location& where, time_value& out) {
  if (said.offset) {
    out.seconds = wall - *said.offset;
    if (said.zone == "UTC")
      out.where = {};
    else if (said.zone.empty() && moment_in(where, out.seconds).offset == *said.offset)
      out.where = where;
    else
      out.where = fixed_location(said.zone, *said.offset);
    return;
  }
  if (said.zone.empty()) {
    out.seconds = from_wall_clock(where, wall);
    out.where = where;
    return;
  }
  if (said.zone == "UTC") {
    out.seconds = wall;
    out.where = {};
    return;
  }
  const std::optional<int32_t> known =
      where.zone != nullptr ? where.zone->offset_of(said.zone, wall) : std::nullopt;
  out.seconds = wall - known.value_or(0);
  // An abbreviation that the location does not know tells no offset.
  out.where = known ? where : fixed_location(said.zone, 0);
}

} // namespace

std::string parse_time(std::string_view layout, std::string_view text, const location& where,
                       time_value& out) {
  const auto shown = [](std::string_view words) {
    return "'" + std::string(words.substr(0, 60)) + (words.size() > 60 ? "...'" : "'");
  };
  fields said;
  time_parser parser(layout, text);
  if (!parser.read(said)) {
    const std::string_view wanted = parser.expected();
    return "cannot read the time " + shown(text) + ": at " + shown(parser.rest()) +
           (parser.out_of_range() ? " a value is out of range for " : " expected ") +
           (wanted == "the end of the text" ? std::string(wanted) : shown(wanted));
  }
  if (said.afternoon && *said.afternoon && said.hour < 12)
    said.hour += 12;
  else if (said.afternoon && !*said.afternoon && said.hour == 12)
    said.hour = 0;
  int64_t days = 0;
  if (said.year_day && !said.month && !said.day) {
    if (*said.year_day > (is_leap_year(said.year) ? 366 : 365))
      return "cannot read the time " + shown(text) + ": the year has no such day";
    days = days_to_date(said.year, 1, *said.year_day);
  } else {
    const int month = said.month.value_or(1);
    const int day = said.day.value_or(1);
    if (day < 1 || day > days_in_month(said.year, month))
      return "cannot read the time " + shown(text) + ": the month has no such day";
    days = days_to_date(said.year, month, day);
  }
  const int64_t wall = days * 86'400 + said.hour * 3'600 + said.minute * 60 + said.second;
  out.nanoseconds = said.nanoseconds;
  place(said, wall, where, out);
  return {};
}

} // namespace natterjack::runtime::lua
