#include "runtime/lua/time/time_layout.hpp"

#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

struct fixed_item {
  std::string_view text;
  layout_item::kind_type kind;
};

// Longer ones first where one begins like another.
constexpr fixed_item fixed_items[] = {
    {"January", layout_item::long_month},
    {"Jan", layout_item::month},
    {"Monday", layout_item::long_weekday},
    {"Mon", layout_item::weekday},
    {"MST", layout_item::zone_name},
    {"002", layout_item::year_day_padded},
    {"01", layout_item::month_padded},
    {"02", layout_item::day_padded},
    {"03", layout_item::hour12_padded},
    {"04", layout_item::minute_padded},
    {"05", layout_item::second_padded},
    {"06", layout_item::year},
    {"15", layout_item::hour24},
    {"1", layout_item::month_number},
    {"2006", layout_item::long_year},
    {"2", layout_item::day},
    {"__2", layout_item::year_day_spaced},
    {"_2", layout_item::day_spaced},
    {"3", layout_item::hour12},
    {"4", layout_item::minute},
    {"5", layout_item::second},
    {"PM", layout_item::half_upper},
    {"pm", layout_item::half_lower},
};

struct offset_item {
  std::string_view text; // behind the sign or Z
  int parts;
  bool with_colons;
};

constexpr offset_item offset_items[] = {
    {"070000", 3, false}, {"07:00:00", 3, true}, {"0700", 2, false},
    {"07:00", 2, true},   {"07", 1, false},
};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}

// The element that `text` begins with, if any.
bool begins_with_item(std::string_view text, layout_item& item) {
  if (text.front() == '-' || text.front() == 'Z') {
    for (const offset_item& offset : offset_items) {
      if (text.substr(1).starts_with(offset.text)) {
        item.kind = layout_item::zone_offset;
        item.text = text.substr(0, 1 + offset.text.size());
        item.utc_is_z = text.front() == 'Z';
        item.with_colons = offset.with_colons;
        item.parts = offset.parts;
        return true;
      }
    }
    return false;
  }
  if ((text.front() == '.' || text.front() == ',') && text.size() > 1 &&
      (text[1] == '0' || text[1] == '9')) {
    size_t end = 1;
    while (end < text.size() && text[end] == text[1])
      ++end;
    if (end < text.size() && is_digit(text[end]))
      return false; // a date such as 01.02.2006
    item.kind = text[1] == '0' ? layout_item::fraction : layout_item::short_fraction;
    item.text = text.substr(0, end);
    item.parts = static_cast<int>(end - 1 < 1000 ? end - 1 : 1000);
    return true;
  }
  for (const fixed_item& fixed : fixed_items) {
    if (!text.starts_with(fixed.text))
      continue;
    const bool is_short_name =
        fixed.kind == layout_item::month || fixed.kind == layout_item::weekday;
    if (is_short_name && text.size() > 3 && is_lower(text[3]))
      return false; // "Month" is no "Mon"
    if (fixed.kind == layout_item::day_spaced && text.starts_with("_2006"))
      return false; // an underscore and a year
    item.kind = fixed.kind;
    item.text = text.substr(0, fixed.text.size());
    return true;
  }
  return false;
}

struct writer {
  byte_buffer& out;
  bool fits = true;

  void text(std::string_view bytes) { fits = fits && out.append(bytes); }
  void number(int64_t value, int width, char fill) {
    char digits[32];
    const int length = std::snprintf(digits, sizeof(digits), "%lld",
                                     static_cast<long long>(value < 0 ? -value : value));
    if (value < 0)
      text("-");
    for (int i = length; i < width; ++i)
      text({&fill, 1});
    text({digits, static_cast<size_t>(length)});
  }
};

void write_offset(writer& to, const layout_item& item, int32_t offset) {
  if (item.utc_is_z && offset == 0)
    return to.text("Z");
  to.text(offset < 0 ? "-" : "+");
  const int32_t seconds = offset < 0 ? -offset : offset;
  to.number(seconds / 3'600, 2, '0');
  if (item.parts >= 2) {
    to.text(item.with_colons ? ":" : "");
    to.number(seconds / 60 % 60, 2, '0');
  }
  if (item.parts >= 3) {
    to.text(item.with_colons ? ":" : "");
    to.number(seconds % 60, 2, '0');
  }
}

void write_fraction(writer& to, const layout_item& item, int32_t nanoseconds) {
  char digits[16];
  std::snprintf(digits, sizeof(digits), "%09d", static_cast<int>(nanoseconds));
  int count = item.parts < 9 ? item.parts : 9;
  if (item.kind == layout_item::short_fraction)
    while (count > 0 && digits[count - 1] == '0')
      --count;
  if (count == 0)
    return;
  to.text(item.text.substr(0, 1));
  to.text({digits, static_cast<size_t>(count)});
  for (int i = 9; item.kind == layout_item::fraction && i < item.parts; ++i)
    to.text("0");
}

} // namespace

layout_item next_layout_item(std::string_view& layout) noexcept {
  layout_item item;
  for (size_t i = 0; i < layout.size(); ++i) {
    if (begins_with_item(layout.substr(i), item)) {
      item.literal = layout.substr(0, i);
      layout.remove_prefix(i + item.text.size());
      return item;
    }
  }
  item.literal = layout;
  layout = {};
  return item;
}

bool format_time(const time_value& time, std::string_view layout, byte_buffer& out) noexcept {
  const zone_moment zone = moment_in(time.where, time.seconds);
  const civil_time at = civil_at(time.seconds + zone.offset);
  const int hour12 = at.hour % 12 == 0 ? 12 : at.hour % 12;
  const std::string_view month = month_names[at.month - 1];
  const std::string_view weekday = weekday_names[at.weekday];
  writer to{out};
  while (!layout.empty() && to.fits) {
    const layout_item item = next_layout_item(layout);
    to.text(item.literal);
    switch (item.kind) {
    case layout_item::end:
      break;
    case layout_item::long_month:
      to.text(month);
      break;
    case layout_item::month:
      to.text(month.substr(0, 3));
      break;
    case layout_item::month_number:
      to.number(at.month, 0, '0');
      break;
    case layout_item::month_padded:
      to.number(at.month, 2, '0');
      break;
    case layout_item::long_weekday:
      to.text(weekday);
      break;
    case layout_item::weekday:
      to.text(weekday.substr(0, 3));
      break;
    case layout_item::day:
      to.number(at.day, 0, '0');
      break;
    case layout_item::day_spaced:
      to.number(at.day, 2, ' ');
      break;
    case layout_item::day_padded:
      to.number(at.day, 2, '0');
      break;
    case layout_item::year_day_spaced:
      to.number(at.year_day, 3, ' ');
      break;
    case layout_item::year_day_padded:
      to.number(at.year_day, 3, '0');
      break;
    case layout_item::hour24:
      to.number(at.hour, 2, '0');
      break;
    case layout_item::hour12:
      to.number(hour12, 0, '0');
      break;
    case layout_item::hour12_padded:
      to.number(hour12, 2, '0');
      break;
    case layout_item::minute:
      to.number(at.minute, 0, '0');
      break;
    case layout_item::minute_padded:
      to.number(at.minute, 2, '0');
      break;
    case layout_item::second:
      to.number(at.second, 0, '0');
      break;
    case layout_item::second_padded:
      to.number(at.second, 2, '0');
      break;
    case layout_item::long_year:
      to.number(at.year, 4, '0');
      break;
    case layout_item::year:
      to.number((at.year % 100 + 100) % 100, 2, '0');
      break;
    case layout_item::half_upper:
      to.text(at.hour >= 12 ? "PM" : "AM");
      break;
    case layout_item::half_lower:
      to.text(at.hour >= 12 ? "pm" : "am");
      break;
    case layout_item::zone_name:
      to.text(zone.name);
      break;
    case layout_item::zone_offset:
      write_offset(to, item, zone.offset);
      break;
    case layout_item::fraction:
    case layout_item::short_fraction:
      write_fraction(to, item, time.nanoseconds);
      break;
    }
  }
  return to.fits;
}

} // namespace natterjack::runtime::lua
