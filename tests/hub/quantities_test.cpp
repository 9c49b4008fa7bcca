#include "hub/quantities.hpp"
#include "tests/catch.hpp"

using namespace natterjack::hub;
using namespace std::chrono_literals;

SCENARIO("times are written as in Go", "[hub][quantities]") {
  CHECK(parse_duration("25s") == 25s);
  CHECK(parse_duration("300ms") == 300ms);
  CHECK(parse_duration("1m30s") == 90s);
  CHECK(parse_duration("1.5h") == 90min);
  CHECK(parse_duration(".5s") == 500ms);
  CHECK(parse_duration("1.s") == 1s);
  CHECK(parse_duration("7us") == 7us);
  CHECK(parse_duration("7µs") == 7us);
  CHECK(parse_duration("7\xc2\xb5s") == 7us);
  CHECK(parse_duration("3ns") == 3ns);
  CHECK(parse_duration("0") == 0s);
  CHECK(parse_duration("0s") == 0s);
  CHECK(parse_duration("-2s") == -2s);
  CHECK(parse_duration("+2s") == 2s);
  CHECK(parse_duration("1m2s3ms") == 62'003ms);
  for (const char* wrong :
       {"", "s", "5", "5 s", "5x", "five", "1m30", "--1s", "1e3s", ".s", "5S", "1s2", "-"}) {
    INFO(wrong);
    CHECK_FALSE(parse_duration(wrong));
  }
  AND_THEN("what does not fit 64 bits of nanoseconds is none") {
    CHECK(parse_duration("9223372036854775807ns") == std::chrono::nanoseconds::max());
    CHECK_FALSE(parse_duration("9223372036854775808ns"));
    CHECK(parse_duration("2562047h"));
    CHECK_FALSE(parse_duration("2562048h"));
    CHECK_FALSE(parse_duration("99999999999999999999s"));
  }
}

SCENARIO("sizes have binary and decimal units", "[hub][quantities]") {
  CHECK(parse_bytes("65536") == 65536);
  CHECK(parse_bytes("1MiB") == 1048576);
  CHECK(parse_bytes("64KiB") == 65536);
  CHECK(parse_bytes("10MB") == 10'000'000);
  CHECK(parse_bytes("1.5KiB") == 1536);
  CHECK(parse_bytes("2 GiB") == 2147483648);
  CHECK(parse_bytes("3kB") == 3000);
  CHECK(parse_bytes("0B") == 0);
  for (const char* wrong :
       {"", "MiB", "-1", "1.5", "1K", "1M", "ten", "1 MiB x", "1mib", "1MiB "}) {
    INFO(wrong);
    CHECK_FALSE(parse_bytes(wrong));
  }
  CHECK(parse_bytes("9223372036854775807"));
  CHECK_FALSE(parse_bytes("9223372036854775808"));
  CHECK_FALSE(parse_bytes("8388608TiB"));
}

SCENARIO("durations are written as Go writes them", "[hub][quantities]") {
  CHECK(format_duration(0ns) == "0s");
  CHECK(format_duration(300518309ns) == "300.518309ms");
  CHECK(format_duration(30s + 100us) == "30.0001s");
  CHECK(format_duration(90s + 200ms) == "1m30.2s");
  CHECK(format_duration(1h) == "1h0m0s");
  CHECK(format_duration(1500ns) == "1.5\xc2\xb5s");
  CHECK(format_duration(-2s) == "-2s");
  CHECK(format_duration(std::chrono::nanoseconds::min()) == "-2562047h47m16.854775808s");
}
