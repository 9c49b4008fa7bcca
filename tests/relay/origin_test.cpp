#include "relay/origin.hpp"
#include "tests/catch.hpp"

using natterjack::relay::origin_rule;

SCENARIO("without patterns only pages of the same host may connect", "[relay][origin]") {
  const origin_rule rule;
  CHECK(rule.allows(std::nullopt, "chat.example:8082"));
  CHECK(rule.allows("http://chat.example:8082", "chat.example:8082"));
  CHECK(rule.allows("https://CHAT.example:8082", "chat.example:8082"));
  CHECK_FALSE(rule.allows("http://chat.example", "chat.example:8082"));
  CHECK_FALSE(rule.allows("http://evil.example", "chat.example:8082"));
  CHECK_FALSE(rule.allows("null", "chat.example:8082"));
  CHECK_FALSE(rule.allows("", "chat.example:8082"));
}

SCENARIO("patterns are globs on the host, or on the whole origin with a scheme", "[relay][origin]") {
  const origin_rule rule("a.example, *.wild.example ,,https://only.example");
  CHECK(rule.allows("http://a.example", "x"));
  CHECK(rule.allows("http://b.wild.example", "x"));
  CHECK_FALSE(rule.allows("http://wild.example", "x"));
  CHECK(rule.allows("https://only.example", "x"));
  CHECK_FALSE(rule.allows("http://only.example", "x"));
  CHECK(origin_rule("*").allows("http://anything", "x"));
}
