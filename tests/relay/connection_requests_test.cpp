#include "relay/websocket/connection_requests.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::relay;

namespace {

close_frame read_nothing() {
  std::string problem;
  return read_close_request({}, problem);
}

std::string problem_of(const char* json) {
  const auto value = hub::payload::json(json);
  std::string problem;
  read_close_request(std::span(&value, 1), problem);
  return problem;
}

close_frame read(const hub::payload& value) {
  std::string problem;
  return read_close_request(std::span(&value, 1), problem);
}

} // namespace

SCENARIO("ws.close carries a reason, or code and reason", "[relay][connection_requests]") {
  CHECK(read_nothing().reason == "Connection closed by server");
  CHECK(read(hub::payload::text("bye")).reason == "bye");
  CHECK(read(hub::payload::json("\"bye\"")).reason == "bye");
  CHECK(read(hub::payload::binary("by\xff\xe2\x82")).reason.starts_with("by\xef\xbf\xbd"));
  CHECK(hub::is_utf8(read(hub::payload::binary("by\xff\xe2\x82")).reason));
  CHECK(read(hub::payload::json("5")).reason == "5");
  CHECK(read(hub::payload::json(R"({"a":1})")).reason == R"({"a":1})");
  CHECK(read(hub::payload::json(R"({"code":4001})")).reason.empty());
  const auto both = read(hub::payload::json(R"({"code":4001,"reason":"kicked"})"));
  CHECK(both.code == 4001);
  CHECK(both.reason == "kicked");
}

SCENARIO("a code that may not be sent counts as 1000", "[relay][connection_requests]") {
  for (const char* code : {"999", "1004", "1005", "1006", "1015", "2999", "5000", "-1", "\"x\""})
    CHECK(read(hub::payload::json(std::string(R"({"code":)") + code + "}")).code == 1000);
  for (const char* code : {"1000", "1003", "1014", "3000", "4999"})
    CHECK(std::to_string(read(hub::payload::json(std::string(R"({"code":)") + code + "}")).code) == code);
}

SCENARIO("what ws.close cannot send is told", "[relay][connection_requests]") {
  CHECK(problem_of(R"({"code":4001,"reason":"x"})").empty());
  CHECK(problem_of(R"({"code":null})").empty());
  CHECK(problem_of(R"({"code":"4001"})").ends_with("found \"4001\"; 1000 is sent"));
  CHECK(problem_of(R"({"code":1005})").ends_with("found 1005; 1000 is sent"));
  CHECK(problem_of(R"({"reason":5})") == "reason: expected a string, found 5");
}

SCENARIO("a long reason is cut at a character's edge", "[relay][close_codes]") {
  CHECK(cut_reason(std::string(123, 'x')).size() == 123);
  CHECK(cut_reason(std::string(124, 'x')).size() == 123);
  CHECK(cut_reason(std::string(122, 'x') + "\xc3\xa9").size() == 122);
}

SCENARIO("ws.control is a table or the same as JSON text", "[relay][connection_requests]") {
  std::string error;
  CHECK(read_control_request(hub::payload::json(R"({"message_topic":"a"})"), error)->message_topic == "a");
  CHECK(read_control_request(hub::payload::text(R"({"message_topic":"b"})"), error)->message_topic == "b");
  CHECK(read_control_request(hub::payload::json(R"("{\"message_topic\":\"c\"}")"), error)->message_topic == "c");
  CHECK_FALSE(read_control_request(hub::payload::text("nonsense"), error));
}

SCENARIO("strict close codes tell what the dialects do not", "[relay][close_codes]") {
  CHECK(close_for(close_cause::slow_consumer, true).code == 1013);
  CHECK(close_for(close_cause::slow_consumer, false).code == 1000);
  CHECK(close_for(close_cause::message_too_big, true).code == 1009);
  CHECK(close_for(close_cause::target_exited, true).code == 1011);
  CHECK(close_for(close_cause::target_exited, false).reason == "target process exited");
  CHECK(close_for(close_cause::going_away, false).code == 1001);
}
