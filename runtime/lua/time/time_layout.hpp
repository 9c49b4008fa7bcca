// Times as text, by a reference layout: how Mon Jan 2 15:04:05 MST 2006 would be written.
//
//   call                        result     errors
//   format_time, time, layout   text       -
//   parse_time, layout, text    time       a sentence: which part of the text is not what the
//                                          layout has there
//
// The layouts are those of Go's package time. What a layout does not contain is taken from
// 0000-01-01 00:00:00; text without a zone is in the location given.
#pragma once

#include "runtime/lua/byte_buffer.hpp"
#include "runtime/lua/time/time_zone.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

/// A moment and the place whose clock shows it. Plain bytes: this is the userdata behind a Time.
struct time_value {
  int64_t seconds = 0;     ///< since 1970, UTC
  int32_t nanoseconds = 0; ///< 0 to 999,999,999
  location where;

  civil_time civil() const noexcept { return civil_at(seconds + moment_in(where, seconds).offset); }
};

/// One element of a layout.
struct layout_item {
  enum kind_type : uint8_t {
    end, ///< no element: the rest is literal
    long_month,
    month,
    month_number,
    month_padded,
    long_weekday,
    weekday,
    day,
    day_spaced,
    day_padded,
    year_day_spaced,
    year_day_padded,
    hour24,
    hour12,
    hour12_padded,
    minute,
    minute_padded,
    second,
    second_padded,
    long_year,
    year,
    half_upper,
    half_lower,
    zone_name,
    zone_offset,
    fraction,       ///< ".000": always so many digits
    short_fraction, ///< ".999": without zeros at the end
  };
  kind_type kind = end;
  std::string_view literal; ///< text in front of the element
  std::string_view text;    ///< the element as the layout has it
  bool utc_is_z = false;    ///< of a zone offset: "Z07:00"
  bool with_colons = false;
  int parts = 0; ///< of a zone offset: 1 hours, 2 minutes, 3 seconds; of a fraction: digits
};

/// Takes the next element, and the literal text in front of it, from `layout`.
layout_item next_layout_item(std::string_view& layout) noexcept;

constexpr std::string_view month_names[] = {"January",   "February", "March",    "April",
                                            "May",       "June",     "July",     "August",
                                            "September", "October",  "November", "December"};
constexpr std::string_view weekday_names[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                              "Thursday", "Friday", "Saturday"};

/// Appends the text. @returns false if the buffer is full
bool format_time(const time_value& time, std::string_view layout, byte_buffer& out) noexcept;

/// @param where  for texts without a zone
/// @returns empty, or why not
std::string parse_time(std::string_view layout, std::string_view text, const location& where,
                       time_value& out);

} // namespace natterjack::runtime::lua
