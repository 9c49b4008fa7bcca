// Calendar dates and seconds since 1970, in the proleptic Gregorian calendar, without a time zone.
#pragma once

#include <cstdint>

namespace natterjack::runtime::lua {

struct civil_time {
  int64_t year = 1970;
  int month = 1; ///< 1 to 12
  int day = 1;   ///< 1 to 31
  int hour = 0;
  int minute = 0;
  int second = 0;
  int weekday = 4;  ///< 0 is Sunday
  int year_day = 1; ///< 1 to 366
};

constexpr int64_t floor_divide(int64_t number, int64_t by) noexcept {
  return number / by - (number % by < 0 ? 1 : 0);
}

constexpr bool is_leap_year(int64_t year) noexcept {
  return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

constexpr int days_in_month(int64_t year, int month) noexcept {
  constexpr int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap_year(year) ? 29 : days[month - 1];
}

/// Days from 1970-01-01 to this date. @param month 1 to 12; @param day any
constexpr int64_t days_to_date(int64_t year, int month, int64_t day) noexcept {
  // Years that begin in March have their leap day at the end.
  const int64_t march_year = month > 2 ? year : year - 1;
  const int march_month = month > 2 ? month - 3 : month + 9;
  const int64_t cycle = floor_divide(march_year, 400);
  const int64_t year_of_cycle = march_year - cycle * 400;
  return cycle * 146'097 + year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 +
         (153 * march_month + 2) / 5 + day - 1 - 719'468;
}

/// Seconds from 1970 to a date whose parts may be out of range: they carry, as in `month = 14`.
constexpr int64_t seconds_to(int64_t year, int64_t month, int64_t day, int64_t hour, int64_t minute,
                             int64_t second) noexcept {
  const int64_t years = floor_divide(month - 1, 12);
  const int month_of_year = static_cast<int>(month - 1 - years * 12) + 1;
  return days_to_date(year + years, month_of_year, day) * 86'400 + hour * 3'600 + minute * 60 +
         second;
}

constexpr civil_time civil_at(int64_t seconds) noexcept {
  civil_time result;
  const int64_t days = floor_divide(seconds, 86'400);
  const int of_day = static_cast<int>(seconds - days * 86'400);
  result.hour = of_day / 3'600;
  result.minute = of_day / 60 % 60;
  result.second = of_day % 60;
  result.weekday = static_cast<int>(days + 4 - floor_divide(days + 4, 7) * 7);

  const int64_t from_march = days + 719'468; // since 0000-03-01
  const int64_t cycle = floor_divide(from_march, 146'097);
  const int64_t of_cycle = from_march - cycle * 146'097;
  const int64_t year_of_cycle =
      (of_cycle - of_cycle / 1'460 + of_cycle / 36'524 - of_cycle / 146'096) / 365;
  const int64_t of_year =
      of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
  const int march_month = static_cast<int>((5 * of_year + 2) / 153);
  result.day = static_cast<int>(of_year - (153 * march_month + 2) / 5) + 1;
  result.month = march_month < 10 ? march_month + 3 : march_month - 9;
  result.year = cycle * 400 + year_of_cycle + (result.month <= 2 ? 1 : 0);
  result.year_day = static_cast<int>(days - days_to_date(result.year, 1, 1)) + 1;
  return result;
}

} // namespace natterjack::runtime::lua
