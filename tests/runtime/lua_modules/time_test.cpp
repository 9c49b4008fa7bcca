#include "test_state.hpp"

#include "runtime/lua/time/time_zone.hpp"

#include "tests/catch.hpp"

#include <ctime>

using namespace natterjack::runtime::lua;
using natterjack::tests::test_state;

namespace {

// A zone in the file format of the system's database: one change, then the rule of the footer.
std::string tzif_file(const std::string& footer) {
  const auto number = [](int64_t value, int bytes) {
    std::string out;
    for (int i = bytes - 1; i >= 0; --i)
      out += static_cast<char>(static_cast<uint64_t>(value) >> (8 * i) & 255);
    return out;
  };
  const auto header = [&number](int times, int types, int chars) {
    return std::string("TZif2") + std::string(15, '\0') + number(0, 4) + number(0, 4) +
           number(0, 4) + number(times, 4) + number(types, 4) + number(chars, 4);
  };
  const std::string type = number(0, 4) + number(0, 1) + number(0, 1);
  const std::string names("LMT\0CET\0", 8);
  return header(0, 1, 4) + type + "LMT" + std::string(1, '\0') + header(1, 2, 8) +
         number(-1'000'000'000, 8) + number(1, 1) + number(3'208, 4) + number(0, 1) + number(0, 1) +
         number(3'600, 4) + number(0, 1) + number(4, 1) + names + "\n" + footer + "\n";
}

std::string shown(const time_zone& zone, int64_t at) {
  const zone_moment moment = zone.at(at);
  return std::string(moment.name) + " " + std::to_string(moment.offset) +
         (moment.daylight ? " daylight" : "");
}

struct time_fixture {
  std::string run(const std::string& expression) { return lua.run("return " + expression); }
  // How Dec 29 2023 15:04:05.123456789 UTC looks.
  std::string format(const std::string& layout) {
    return run("time.unix(1703862245, 123456789):utc():format('" + layout + "')");
  }
  std::string parsed(const std::string& layout, const std::string& text,
                     const std::string& zone = "nil") {
    return lua.run("local t, e = time.parse('" + layout + "', '" + text + "', " + zone +
                   ") return e and e:kind() .. ': ' .. e or t:format(time.RFC3339NANO)");
  }
  test_state lua;
};

} // namespace

SCENARIO("dates and seconds are the same thing", "[time]") {
  CHECK(seconds_to(1970, 1, 1, 0, 0, 0) == 0);
  CHECK(seconds_to(2023, 12, 29, 15, 4, 5) == 1703862245);
  CHECK(seconds_to(2023, 14, 31, 0, 0, 0) == seconds_to(2024, 3, 2, 0, 0, 0));
  CHECK(seconds_to(1, 1, 1, 0, 0, 0) == -62135596800);
  CHECK(civil_at(951782400).day == 29); // 2000-02-29
  CHECK(civil_at(951782400).weekday == 2);
  for (int64_t second = -70'000'000'000; second < 140'000'000'000; second += 86'400 * 13 + 4'321) {
    const civil_time at = civil_at(second);
    if (seconds_to(at.year, at.month, at.day, at.hour, at.minute, at.second) != second ||
        at.month < 1 || at.month > 12 || at.day < 1 || at.day > days_in_month(at.year, at.month))
      FAIL("wrong at " << second);
    const std::time_t moment = second;
    std::tm expected{};
    ::gmtime_r(&moment, &expected);
    if (at.year != expected.tm_year + 1900 || at.month != expected.tm_mon + 1 ||
        at.day != expected.tm_mday || at.weekday != expected.tm_wday ||
        at.year_day != expected.tm_yday + 1)
      FAIL("other than the C library at " << second);
  }
}

SCENARIO("time zones are read from the database's files", "[time]") {
  GIVEN("a zone with a rule for daylight saving time") {
    const auto zone = parse_tzif(tzif_file("CET-1CEST,M3.5.0,M10.5.0/3"));
    REQUIRE(zone);
    CHECK(shown(*zone, -2'000'000'000) == "LMT 3208");
    CHECK(shown(*zone, 1703862245) == "CET 3600");
    CHECK(shown(*zone, seconds_to(2024, 3, 31, 0, 59, 59)) == "CET 3600");
    CHECK(shown(*zone, seconds_to(2024, 3, 31, 1, 0, 0)) == "CEST 7200 daylight");
    CHECK(shown(*zone, seconds_to(2024, 10, 27, 0, 59, 59)) == "CEST 7200 daylight");
    CHECK(shown(*zone, seconds_to(2024, 10, 27, 1, 0, 0)) == "CET 3600");
  }
  GIVEN("a southern zone, and numbers as names") {
    const auto zone = parse_tzif(tzif_file("<+1030>-10:30<+11>-11,M10.1.0,M4.1.0"));
    REQUIRE(zone);
    CHECK(shown(*zone, seconds_to(2024, 1, 1, 0, 0, 0)) == "+11 39600 daylight");
    CHECK(shown(*zone, seconds_to(2024, 7, 1, 0, 0, 0)) == "+1030 37800");
  }
  GIVEN("days of the year in the rule") {
    const auto zone = parse_tzif(tzif_file("AAA0BBB,J60/0,300/0"));
    REQUIRE(zone);
    CHECK(shown(*zone, seconds_to(2024, 2, 29, 12, 0, 0)) == "AAA 0");
    CHECK(shown(*zone, seconds_to(2024, 3, 1, 0, 0, 0)) == "BBB 3600 daylight");
    CHECK(shown(*zone, seconds_to(2023, 3, 1, 0, 0, 0)) == "BBB 3600 daylight");
  }
  GIVEN("a zone without a footer") {
    const auto zone = parse_tzif(tzif_file(""));
    REQUIRE(zone);
    CHECK(shown(*zone, 1703862245) == "CET 3600");
  }
  GIVEN("files that are none") {
    const std::string good = tzif_file("CET-1");
    CHECK_FALSE(parse_tzif(""));
    CHECK_FALSE(parse_tzif("TZif"));
    for (size_t size = 0; size < 100; ++size)
      CHECK_FALSE(parse_tzif(std::string_view(good).substr(0, size)));
    CHECK_FALSE(parse_tzif("XZif" + good.substr(4)));
  }
  zone_errc error = zone_errc::none;
  for (const char* name : {"", "/etc/passwd", "../zoneinfo/UTC", "a b", "Europe/", "a.b"}) {
    CAPTURE(name);
    CHECK(load_zone(name, error) == nullptr);
    CHECK(error == zone_errc::invalid);
  }
  CHECK(load_zone("No/Such_Zone", error) == nullptr);
  CHECK(error == zone_errc::not_found);
}

SCENARIO_METHOD(time_fixture, "a Time is written by a layout", "[time]") {
  struct row {
    const char* layout;
    const char* text;
  };
  const row rows[] = {
      {"2006-01-02T15:04:05Z07:00", "2023-12-29T15:04:05Z"},
      {"2006-01-02T15:04:05.999999999Z07:00", "2023-12-29T15:04:05.123456789Z"},
      {"Mon Jan 2, 2006", "Fri Dec 29, 2023"},
      {"Monday, 02-Jan-06 15:04:05 MST", "Friday, 29-Dec-23 15:04:05 UTC"},
      {"3:04PM", "3:04PM"},
      {"03:04:05 pm", "03:04:05 pm"},
      {"Jan _2 15:04:05.000", "Dec 29 15:04:05.123"},
      {"15:04:05,000000", "15:04:05,123456"},
      {"02.01.2006", "29.12.2023"},
      {"002 __2", "363 363"},
      {"1/2/06 3 4 5", "12/29/23 3 4 5"},
      {"January Month Sunday", "December Month Sunday"},
      {"_2006", "_2023"},
      {"-0700 -07:00 -07 Z0700", "+0000 +00:00 +00 Z"},
      {"", ""},
      {"plain", "plain"},
  };
  for (const row& r : rows) {
    CAPTURE(r.layout);
    CHECK(format(r.layout) == r.text);
  }
  const std::string there =
      "time.unix(1703862245):in_location(time.fixed_zone('IST', 5*3600+30*60))";
  CHECK(run(there + ":format(time.RFC3339)") == "2023-12-29T20:34:05+05:30");
  CHECK(run(there + ":format(time.RFC1123)") == "Fri, 29 Dec 2023 20:34:05 IST");
  CHECK(run("time.unix(1703862245):in_location(time.fixed_zone('W', "
            "-3*3600)):format(time.RFC822Z)") == "29 Dec 23 12:04 -0300");
  CHECK(run("time.date(2024, 1, 5, 0, 7, 9, 120000000, time.utc):format('_2 3:4:5PM .99 .00')") ==
        " 5 12:7:9AM .12 .12");
  CHECK(run("time.date(2024, 1, 5, 9, 0, 0, 0, time.utc):format_rfc3339()") ==
        "2024-01-05T09:00:00Z");
  CHECK(run("tostring(time.unix(0, 5e8 // 1 | 0):utc())") == "1970-01-01 00:00:00.5 +0000 UTC");
  CHECK(run("time.unix(0, math.mininteger):nanosecond()") == "145224192");
  CHECK(run("time.unix(0):add(math.mininteger):nanosecond()") == "145224192");
}

SCENARIO_METHOD(time_fixture, "a Time is read by a layout", "[time]") {
  struct row {
    const char* layout;
    const char* text;
    const char* result;
  };
  const row rows[] = {
      {"2006-01-02T15:04:05Z07:00", "2024-12-29T15:04:05Z", "2024-12-29T15:04:05Z"},
      {"2006-01-02T15:04:05Z07:00", "2024-12-29T15:04:05.25+02:00", "2024-12-29T15:04:05.25+02:00"},
      {"2006-01-02", "2024-12-29", "2024-12-29T00:00:00Z"},
      {"15:04:05", "14:30:00", "0000-01-01T14:30:00Z"},
      {"2006-01-02 15:04:05 MST", "2024-12-29 14:30:00 EST", "2024-12-29T14:30:00Z"},
      {"2006-01-02 15:04 MST", "2024-12-29 14:30 GMT+3", "2024-12-29T14:30:00+03:00"},
      {"Mon, 02 Jan 2006 15:04:05 -0700", "Fri, 29 Dec 2023 15:04:05 -0330",
       "2023-12-29T15:04:05-03:30"},
      {"3:04PM", "3:04PM", "0000-01-01T15:04:00Z"},
      {"3:04pm", "12:30am", "0000-01-01T00:30:00Z"},
      {"Jan _2 2006", "Feb  5 2024", "2024-02-05T00:00:00Z"},
      {"January 2, 2006", "february 29, 2024", "2024-02-29T00:00:00Z"},
      {"2006-002", "2024-060", "2024-02-29T00:00:00Z"},
      {"06-1-2", "69-7-4", "1969-07-04T00:00:00Z"},
      {"15:04:05.000", "01:02:03.456", "0000-01-01T01:02:03.456Z"},
      {"15:04:05.999", "01:02:03", "0000-01-01T01:02:03Z"},
  };
  for (const row& r : rows) {
    CAPTURE(r.layout, r.text);
    CHECK(parsed(r.layout, r.text) == r.result);
  }
  CHECK(parsed("2006-01-02 15:04", "2024-07-01 12:00", "time.fixed_zone('X', 3600)") ==
        "2024-07-01T12:00:00+01:00");
  GIVEN("texts that do not fit") {
    CHECK(
        parsed("2006-01-02", "2024-13-01") ==
        "Invalid: cannot read the time '2024-13-01': at '13-01' a value is out of range for '01'");
    CHECK(parsed("2006-01-02", "2024/12/29") ==
          "Invalid: cannot read the time '2024/12/29': at '/12/29' expected '-'");
    CHECK(parsed("2006-01-02", "2024-02-30") ==
          "Invalid: cannot read the time '2024-02-30': the month has no such day");
    CHECK(parsed("2006-002", "2023-366") ==
          "Invalid: cannot read the time '2023-366': the year has no such day");
    CHECK(parsed("2006-01-02", "2024-02-01x") ==
          "Invalid: cannot read the time '2024-02-01x': at 'x' expected the end of the text");
    CHECK(parsed("15:04:05.000", "01:02:03.4") ==
          "Invalid: cannot read the time '01:02:03.4': at '.4' expected '.000'");
    CHECK(parsed("2006-01-02", "") == "Invalid: cannot read the time '': at '' expected '2006'");
    CHECK(parsed("Jan", "Foo").find("expected 'Jan'") != std::string::npos);
  }
}

SCENARIO_METHOD(time_fixture, "a Time can be reckoned with", "[time]") {
  lua.run("t = time.date(2024, 1, 31, 10, 30, 15, 500, time.utc) "
          "hour = time.parse_duration('1h') quarter = time.parse_duration('15m')");
  CHECK(run("tostring(t == hour) .. tostring(hour == time.utc) .. tostring(t == time.utc)") ==
        "falsefalsefalse");
  CHECK(run("t:add('24h'):format(time.DATE_TIME)") == "2024-02-01 10:30:15");
  CHECK(run("t:add(5 * time.MINUTE):minute()") == "35");
  CHECK(run("t:add(-1 * time.NANOSECOND):nanosecond()") == "499");
  CHECK(run("t:add('-501ns'):second()") == "14");
  CHECK(run("t:add(hour):sub(t):hours()") == "1.0");
  CHECK(run("t:add_date(0, 1, 0):format(time.DATE_ONLY)") == "2024-03-02");
  CHECK(run("t:add_date(1, 0, -7):format(time.DATE_ONLY)") == "2025-01-24");
  CHECK(run("t:before(t:add(1)) and t:add(1):after(t) and t:equal(t:in_local())") == "true");
  CHECK(run("t == t:in_location(time.fixed_zone('X', 60))") == "true");
  CHECK(run("t < t:add(1) and t <= t and not (t < t)") == "true");
  CHECK(run("t:unix()") == "1706697015");
  CHECK(run("t:unix_nano()") == "1706697015000000500");
  CHECK(run("select(2, t:date()) .. '-' .. select(3, t:clock())") == "1-15");
  CHECK(run("t:year() .. ' ' .. t:month() .. ' ' .. t:day() .. ' ' .. t:hour() .. ' ' .. "
            "t:second()") == "2024 1 31 10 15");
  CHECK(run("t:weekday() == time.WEDNESDAY and t:year_day() == 31") == "true");
  CHECK(run("t:round(hour):format(time.TIME_ONLY)") == "11:00:00");
  CHECK(run("t:truncate(hour):format(time.TIME_ONLY)") == "10:00:00");
  CHECK(run("t:truncate(quarter):minute()") == "30");
  CHECK(run("t:round('0s') == t") == "true");
  CHECK(run("time.date(1, 1, 1, 0, 0, 0, 0, time.utc):is_zero()") == "true");
  CHECK(run("t:is_zero()") == "false");
  CHECK(run("t:location():string()") == "UTC");
  CHECK(run("time.localtz:string()") == "Local");
  CHECK(run("time.unix(0):sub(time.unix(1 << 40)):nanoseconds() == math.mininteger") == "true");
  CHECK(run("math.abs(time.now():unix() - os.time()) <= 1") == "true");
  CHECK(run("time.unix(1, -1):utc():format(time.RFC3339NANO)") == "1970-01-01T00:00:00.999999999Z");
  CHECK(run("time.DECEMBER + time.SATURDAY") == "18");
}

SCENARIO_METHOD(time_fixture, "durations are texts, numbers or values", "[time]") {
  CHECK(run("time.parse_duration('1h30m45s500ms'):seconds()") == "5445.5");
  CHECK(run("time.parse_duration('1h30m45s500ms'):milliseconds()") == "5445500");
  CHECK(run("time.parse_duration(90 * time.SECOND):minutes()") == "1.5");
  CHECK(run("time.parse_duration(0.5 * time.SECOND):microseconds()") == "500000");
  CHECK(run("time.parse_duration(time.parse_duration('1us')):nanoseconds()") == "1000");
  CHECK(run("tostring(time.parse_duration('90m'))") == "1h30m0s");
  CHECK(run("time.parse_duration('1s') == time.parse_duration('1000ms')") == "true");
  CHECK(run("time.parse_duration('1s') < time.parse_duration('2s')") == "true");
  for (const char* wrong :
       {"''", "'5'", "'5 s'", "'s'", "'1d'", "nil", "{}", "1/0", "0/0", "true"}) {
    CAPTURE(wrong);
    CHECK(lua.run(std::string("local d, e = time.parse_duration(") + wrong +
                  ") return tostring(d) .. ' ' .. e:kind()") == "nil Invalid");
  }
  const std::string advice = "a duration is a text such as \"1m30s\" or \"250ms\", a number of nanoseconds, or a "
                             "Duration, got ";
  const auto refused = [this](const std::string& what) {
    return run("select(2, time.parse_duration(" + what + "))");
  };
  CHECK(refused("'x'") == advice + "\"x\"");
  CHECK(refused("'1d'") == advice + "\"1d\"");
  CHECK(refused("") == advice + "no value");
  CHECK(refused("{}") == advice + "table");
  CHECK(refused("0/0") == advice + "nan");
  CHECK(refused("('é'):rep(30)") == advice + "\"" + run("('é'):rep(20)") + "...\"");
  const std::string too_long = "the duration is too long: at most 292 years, got ";
  CHECK(refused("'99999999999h'") == too_long + "\"99999999999h\"");
  CHECK(refused("'2000000h2000000h1.5s'") == too_long + "\"2000000h2000000h1.5s\"");
  CHECK(refused("('9'):rep(120) .. 's'") == too_long + "\"" + std::string(40, '9') + "...\"");
  CHECK(refused("1e300").find(too_long) == 0);
}

SCENARIO_METHOD(time_fixture, "wrong use of time is told", "[time]") {
  CHECK(run("time.now().unix()").find("call it with a colon, as in t:unix()") != std::string::npos);
  CHECK(run("time.now():sub(5)").find("Time expected, got number") != std::string::npos);
  CHECK(run("time.now():add('x')").find("a duration is a text") != std::string::npos);
  CHECK(run("time.now():in_location('UTC')").find("Location, such as time.utc expected") !=
        std::string::npos);
  CHECK(run("time.date(2024)").find("number expected, got no value") != std::string::npos);
  CHECK(run("time.unix(math.maxinteger)").find("out of range") != std::string::npos);
  CHECK(run("time.now() < 5").find("attempt to compare a Time with a") != std::string::npos);
  CHECK(lua.run("local l, e = time.load_location('No/Where') return e:kind() .. ': ' .. e") ==
        "NotFound: unknown time zone 'No/Where'");
  CHECK(lua.run("local l, e = time.load_location('') return e:kind()") == "Invalid");
  CHECK(run("time.load_location('UTC'):string()") == "UTC");
  zone_errc error = zone_errc::none;
  if (load_zone("America/New_York", error) != nullptr) { // the system has a database
    lua.run("ny = time.load_location('America/New_York')");
    CHECK(run("time.date(2024, 7, 1, 12, 0, 0, 0, ny):format(time.RFC1123Z)") ==
          "Mon, 01 Jul 2024 12:00:00 -0400");
    CHECK(run("time.date(2024, 1, 1, 12, 0, 0, 0, ny):utc():format(time.RFC3339)") ==
          "2024-01-01T17:00:00Z");
    CHECK(parsed("2006-01-02 15:04 MST", "2024-12-29 14:30 EST", "ny") ==
          "2024-12-29T14:30:00-05:00");
    CHECK(run("time.date(2024, 3, 10, 2, 30, 0, 0, ny):hour() ~= 2") == "true");
  }
}
