#include "runtime/lua/time/time_zone.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>

namespace natterjack::runtime::lua {

namespace {

constexpr const char* database = "/usr/share/zoneinfo/";
constexpr size_t file_bytes_max = 1u << 20;

template <size_t N> void set_name(char (&to)[N], std::string_view name) {
  const size_t length = std::min(name.size(), N - 1);
  name.copy(to, length);
  to[length] = '\0';
}

// Big-endian numbers, one behind the other.
class reader {
 public:
  explicit reader(std::string_view bytes) : rest_(bytes) {}
  bool has(size_t count) const { return rest_.size() >= count; }
  std::string_view take(size_t count) {
    const std::string_view part = rest_.substr(0, count);
    rest_.remove_prefix(part.size());
    return part;
  }
  int64_t number(size_t bytes) {
    uint64_t value = 0;
    const std::string_view part = take(bytes);
    for (const char c : part)
      value = value << 8 | static_cast<uint8_t>(c);
    const int unused = static_cast<int>(64 - 8 * bytes);
    return static_cast<int64_t>(value << unused) >> unused; // carries the sign
  }
  std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

struct tzif_header {
  char version = 0;
  size_t utc_marks = 0, standard_marks = 0, leaps = 0, times = 0, types = 0, chars = 0;

  size_t block_bytes(size_t time_bytes) const {
    return times * (time_bytes + 1) + types * 6 + chars + leaps * (time_bytes + 4) +
           standard_marks + utc_marks;
  }
};

bool read_header(reader& from, tzif_header& header) {
  if (!from.has(44) || from.take(4) != "TZif")
    return false;
  header.version = from.take(1)[0];
  from.take(15);
  for (size_t* count : {&header.utc_marks, &header.standard_marks, &header.leaps, &header.times,
                        &header.types, &header.chars})
    *count = static_cast<size_t>(static_cast<uint32_t>(from.number(4)));
  return header.types > 0 && header.types <= 256 && header.times <= file_bytes_max &&
         header.chars <= file_bytes_max && header.leaps <= file_bytes_max;
}

bool is_zone_name(std::string_view name) {
  return !name.empty() && name.size() < sizeof(location::name) && name.front() != '/' &&
         name.back() != '/' && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                  c == '_' || c == '-' || c == '+' || c == '/';
         });
}

std::optional<time_zone> read_zone_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file)
    return std::nullopt;
  std::string bytes;
  char part[4096];
  while (bytes.size() < file_bytes_max && (file.read(part, sizeof(part)), file.gcount() > 0))
    bytes.append(part, static_cast<size_t>(file.gcount()));
  return parse_tzif(bytes);
}

location find_local() {
  location here;
  set_name(here.name, "Local");
  const char* tz = std::getenv("TZ");
  std::optional<time_zone> zone;
  if (tz != nullptr) {
    std::string_view name = tz;
    if (name.starts_with(':'))
      name.remove_prefix(1);
    if (is_zone_name(name))
      zone = read_zone_file(database + std::string(name));
    else if (name.starts_with('/'))
      zone = read_zone_file(std::string(name));
  } else {
    zone = read_zone_file("/etc/localtime");
  }
  if (zone)
    here.zone = new time_zone(std::move(*zone)); // for ever, as all zones
  return here;
}

} // namespace

// -- TZif -----------------------------------------------------------------------------

std::optional<time_zone> parse_tzif(std::string_view bytes) {
  reader from(bytes);
  tzif_header header;
  if (!read_header(from, header))
    return std::nullopt;
  size_t time_bytes = 4;
  if (header.version >= '2') { // the same again with 64 bits
    if (!from.has(header.block_bytes(4)))
      return std::nullopt;
    from.take(header.block_bytes(4));
    if (!read_header(from, header))
      return std::nullopt;
    time_bytes = 8;
  }
  if (!from.has(header.block_bytes(time_bytes)))
    return std::nullopt;

  time_zone zone;
  zone.transitions_.resize(header.times);
  for (auto& one : zone.transitions_)
    one.at = from.number(time_bytes);
  for (auto& one : zone.transitions_) {
    one.type = static_cast<uint8_t>(from.number(1));
    if (one.type >= header.types)
      return std::nullopt;
  }
  reader types(from.take(header.types * 6));
  const std::string_view names = from.take(header.chars);
  for (size_t i = 0; i < header.types; ++i) {
    zone_moment type;
    type.offset = static_cast<int32_t>(types.number(4));
    type.daylight = types.number(1) != 0;
    const auto at = static_cast<uint8_t>(types.number(1));
    const std::string_view name = at < names.size() ? names.substr(at) : std::string_view{};
    set_name(type.name, name.substr(0, name.find('\0')));
    zone.types_.push_back(type);
  }
  if (time_bytes == 8) {
    from.take(header.leaps * 12 + header.standard_marks + header.utc_marks);
    std::string_view footer = from.rest();
    if (footer.starts_with('\n')) {
      footer.remove_prefix(1);
      footer = footer.substr(0, footer.find('\n'));
      time_zone::rule rule;
      if (time_zone::read_rule(footer, rule))
        zone.footer_ = rule;
    }
  }
  return zone;
}

// -- POSIX rules, such as CET-1CEST,M3.5.0,M10.5.0/3 ------------------------------------

namespace {

bool take_number(std::string_view& text, int& number) {
  size_t digits = 0;
  number = 0;
  while (digits < text.size() && digits < 4 && text[digits] >= '0' && text[digits] <= '9')
    number = number * 10 + (text[digits++] - '0');
  text.remove_prefix(digits);
  return digits > 0;
}

bool take_char(std::string_view& text, char c) {
  if (!text.starts_with(c))
    return false;
  text.remove_prefix(1);
  return true;
}

// [+-]h[:mm[:ss]]
bool take_time(std::string_view& text, int32_t& seconds) {
  const bool negative = take_char(text, '-');
  if (!negative)
    take_char(text, '+');
  int part = 0;
  if (!take_number(text, part))
    return false;
  seconds = part * 3'600;
  for (int unit = 60; unit >= 1 && take_char(text, ':'); unit /= 60) {
    if (!take_number(text, part))
      return false;
    seconds += part * unit;
  }
  seconds = negative ? -seconds : seconds;
  return true;
}

bool take_zone_name(std::string_view& text, char (&name)[16]) {
  const bool quoted = take_char(text, '<');
  size_t length = 0;
  while (length < text.size() && (quoted ? text[length] != '>'
                                         : (text[length] >= 'a' && text[length] <= 'z') ||
                                               (text[length] >= 'A' && text[length] <= 'Z')))
    ++length;
  set_name(name, text.substr(0, length));
  text.remove_prefix(length);
  return length > 0 && (!quoted || take_char(text, '>'));
}

} // namespace

bool time_zone::read_rule(std::string_view text, rule& out) {
  const auto take_date = [&text](rule_date& date) {
    if (!take_char(text, ','))
      return false;
    if (take_char(text, 'M')) {
      date.kind = 'M';
      if (!take_number(text, date.month) || !take_char(text, '.') ||
          !take_number(text, date.week) || !take_char(text, '.') || !take_number(text, date.day) ||
          date.month < 1 || date.month > 12 || date.week < 1 || date.week > 5 || date.day > 6)
        return false;
    } else {
      date.kind = take_char(text, 'J') ? 'J' : '0';
      if (!take_number(text, date.day) || date.day > 365)
        return false;
    }
    return !take_char(text, '/') || take_time(text, date.seconds);
  };
  int32_t west = 0;
  if (!take_zone_name(text, out.standard.name) || !take_time(text, west))
    return false;
  out.standard.offset = -west;
  out.present = true;
  if (text.empty())
    return true;
  out.has_daylight = true;
  out.daylight.daylight = true;
  out.daylight.offset = out.standard.offset + 3'600;
  if (!take_zone_name(text, out.daylight.name))
    return false;
  if (!text.starts_with(',')) {
    if (!take_time(text, west))
      return false;
    out.daylight.offset = -west;
  }
  return take_date(out.start) && take_date(out.end) && text.empty();
}

// Seconds of local time, as if in UTC.
int64_t time_zone::moment_of(const rule_date& date, int64_t year) noexcept {
  int64_t days = 0;
  if (date.kind == 'M') {
    const int64_t first = days_to_date(year, date.month, 1);
    const int first_weekday = static_cast<int>(first + 4 - floor_divide(first + 4, 7) * 7);
    int day = (date.day - first_weekday + 7) % 7 + 7 * (date.week - 1);
    while (day >= days_in_month(year, date.month))
      day -= 7; // week 5 is the last one
    days = first + day;
  } else {
    const bool skips_leap_day = date.kind == 'J' && is_leap_year(year) && date.day >= 60;
    days =
        days_to_date(year, 1, 1) + date.day - (date.kind == 'J' ? 1 : 0) + (skips_leap_day ? 1 : 0);
  }
  return days * 86'400 + date.seconds;
}

zone_moment time_zone::by_rule(int64_t unix_seconds) const noexcept {
  if (!footer_.has_daylight)
    return footer_.standard;
  const int64_t year = civil_at(unix_seconds + footer_.standard.offset).year;
  const int64_t start = moment_of(footer_.start, year) - footer_.standard.offset;
  const int64_t end = moment_of(footer_.end, year) - footer_.daylight.offset;
  const bool daylight = start < end ? unix_seconds >= start && unix_seconds < end
                                    : unix_seconds >= start || unix_seconds < end; // southern
  return daylight ? footer_.daylight : footer_.standard;
}

zone_moment time_zone::at(int64_t unix_seconds) const noexcept {
  const auto next =
      std::upper_bound(transitions_.begin(), transitions_.end(), unix_seconds,
                       [](int64_t moment, const transition& one) { return moment < one.at; });
  if (next == transitions_.end() && footer_.present)
    return by_rule(unix_seconds);
  return next == transitions_.begin() ? types_.front() : types_[std::prev(next)->type];
}

std::optional<int32_t> time_zone::offset_of(std::string_view abbreviation,
                                            int64_t unix_seconds) const noexcept {
  // As a wall clock the moment is off by the offset itself: so look on both sides of a change.
  for (const int64_t aside : {int64_t{0}, int64_t{-86'400}, int64_t{86'400}})
    if (const zone_moment found = at(unix_seconds + aside); abbreviation == found.name)
      return found.offset;
  for (auto type = types_.rbegin(); type != types_.rend(); ++type)
    if (abbreviation == type->name)
      return type->offset;
  return std::nullopt;
}

// -- finding zones ----------------------------------------------------------------------

const time_zone* load_zone(std::string_view name, zone_errc& error) {
  static std::mutex mutex;
  static std::map<std::string, std::unique_ptr<const time_zone>, std::less<>> loaded;
  error = zone_errc::invalid;
  if (!is_zone_name(name))
    return nullptr;
  std::lock_guard guard(mutex);
  if (const auto known = loaded.find(name); known != loaded.end()) {
    error = zone_errc::none;
    return known->second.get();
  }
  error = zone_errc::not_found;
  auto zone = read_zone_file(database + std::string(name));
  if (!zone)
    return nullptr;
  error = zone_errc::none;
  return loaded.emplace(name, std::make_unique<const time_zone>(std::move(*zone)))
      .first->second.get();
}

const location& local_location() {
  static const location here = find_local();
  return here;
}

zone_moment moment_in(const location& where, int64_t unix_seconds) noexcept {
  if (where.zone != nullptr)
    return where.zone->at(unix_seconds);
  zone_moment fixed;
  fixed.offset = where.offset;
  set_name(fixed.name, where.name);
  return fixed;
}

int64_t from_wall_clock(const location& where, int64_t wall_seconds) noexcept {
  const int32_t guess = moment_in(where, wall_seconds).offset;
  const int32_t better = moment_in(where, wall_seconds - guess).offset;
  return wall_seconds - better;
}

} // namespace natterjack::runtime::lua
