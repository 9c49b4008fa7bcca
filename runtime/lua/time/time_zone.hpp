// Time zones: UTC, fixed offsets, and the system's database (TZif files, RFC 8536).
//
//   call                result                    errors
//   load_zone, name     the zone, kept for ever   invalid: not the name of a zone
//                                                 not_found: no such file, or no TZif file
//   parse_tzif, bytes   a zone                    empty: no TZif file
//
// A zone once loaded is never freed, so that `location` is plain bytes.
#pragma once

#include "runtime/lua/time/civil_time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime::lua {

/// What holds in a zone at some moment.
struct zone_moment {
  int32_t offset = 0; ///< seconds east of UTC
  bool daylight = false;
  char name[16] = "UTC"; ///< such as "CEST"
};

class time_zone {
 public:
  zone_moment at(int64_t unix_seconds) const noexcept;
  /// Offset that goes with an abbreviation at about this moment, or else at any.
  std::optional<int32_t> offset_of(std::string_view abbreviation,
                                   int64_t unix_seconds) const noexcept;

 private:
  friend std::optional<time_zone> parse_tzif(std::string_view bytes);

  // When a change of a POSIX rule falls in each year.
  struct rule_date {
    char kind = 'M'; // M month.week.day, J day without leap day, 0 day
    int month = 0, week = 0, day = 0;
    int32_t seconds = 7'200; // of local time
  };
  struct rule {
    bool present = false;
    bool has_daylight = false;
    zone_moment standard, daylight;
    rule_date start, end;
  };
  struct transition {
    int64_t at;
    uint8_t type;
  };
  static bool read_rule(std::string_view text, rule& out);
  static int64_t moment_of(const rule_date& date, int64_t year) noexcept;
  zone_moment by_rule(int64_t unix_seconds) const noexcept;

  std::vector<transition> transitions_; // ascending
  std::vector<zone_moment> types_;      // at least one
  rule footer_;                         // holds behind the last transition
};

std::optional<time_zone> parse_tzif(std::string_view bytes);

enum class zone_errc : uint8_t { none, invalid, not_found };

/// Finds "Europe/London" and its like in the system's database.
const time_zone* load_zone(std::string_view name, zone_errc& error);

/// What scripts call a Location: a zone of the database, or a fixed offset. Plain bytes.
struct location {
  const time_zone* zone = nullptr; ///< null: `offset` always holds
  int32_t offset = 0;
  char name[36] = "UTC";
};

inline constexpr location utc_location{};

/// The zone of this machine (environment variable TZ, else /etc/localtime); UTC if neither says.
const location& local_location();

zone_moment moment_in(const location& where, int64_t unix_seconds) noexcept;

/// The moment when a clock there shows these seconds (counted as if in UTC).
int64_t from_wall_clock(const location& where, int64_t wall_seconds) noexcept;

} // namespace natterjack::runtime::lua
