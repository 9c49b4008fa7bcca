#include "hub/payload.hpp"
#include "tests/catch.hpp"

#include <string>

using namespace natterjack::hub;

SCENARIO("payloads share their bytes", "[hub][payload]") {
  const auto first = payload::text("hello");
  const auto second = first;
  CHECK(first.bytes().data() == second.bytes().data());
  CHECK(second.kind() == payload_kind::text);
  CHECK(payload{}.kind() == payload_kind::nil);
  CHECK(payload::json("").bytes().empty());
}

SCENARIO("UTF-8 is told from other bytes", "[hub][payload]") {
  for (const char* good : {"", "plain", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x90\xb8", "\xef\xbf\xbf",
                           "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf", "eight by eight \xc3\xa9"})
    CHECK(is_utf8(good));
  for (const char* bad : {"\x80", "\xc3", "\xc0\xaf", "\xc1\xbf", "\xe0\x80\x80", "\xed\xa0\x80",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff", "long enough text \xe2\x82"})
    CHECK_FALSE(is_utf8(bad));
}
