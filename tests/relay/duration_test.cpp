#include "relay/duration.hpp"
#include "tests/catch.hpp"

using namespace natterjack::relay;
using namespace std::chrono_literals;

SCENARIO("durations are read as Go writes them", "[relay][duration]") {
  CHECK(parse_duration("300ms") == 300ms);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("1.5h") == 90min);
  CHECK(parse_duration("0") == 0ns);
  CHECK(parse_duration("-2s") == -2s);
  CHECK(parse_duration("7us") == 7us);
  CHECK(parse_duration("7\xc2\xb5s") == 7us);
  CHECK(parse_duration("9ns") == 9ns);
  for (const char* bad : {"", "5", "s", "1x", "1s2", ".s", "-", "1 s", "99999999999999h"})
    CHECK_FALSE(parse_duration(bad));
}

SCENARIO("durations are written as Go writes them", "[relay][duration]") {
  CHECK(format_duration(0ns) == "0s");
  CHECK(format_duration(300518309ns) == "300.518309ms");
  CHECK(format_duration(30s + 100us) == "30.0001s");
  CHECK(format_duration(90s + 200ms) == "1m30.2s");
  CHECK(format_duration(1h) == "1h0m0s");
  CHECK(format_duration(1500ns) == "1.5\xc2\xb5s");
  CHECK(format_duration(-2s) == "-2s");
}
