#include "relay/sse/event_text.hpp"
#include "relay/sse/sse_config.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

std::string event(std::string_view name, std::string_view data) {
  std::string out;
  append_event(out, name, data);
  return out;
}

std::string wrong(std::string_view json) {
  std::string error;
  return parse_sse_config(json, error) ? "" : error;
}

} // namespace

SCENARIO("an event is a name and lines of data", "[relay][sse]") {
  CHECK(event("a", "b") == "event: a\ndata: b\n\n");
  CHECK(event("a", "") == "event: a\ndata: \n\n");
  CHECK(event("a", "1\n2\r\n3\r4\n") == "event: a\ndata: 1\ndata: 2\ndata: 3\ndata: 4\ndata: \n\n");
  CHECK(event("x\ny", "1") == "event: x y\ndata: 1\n\n");
  CHECK(event_data(hub::payload::binary(std::string_view("\0\1\xffx", 4))) == "AAH/eA==");
  CHECK(event_data(hub::payload()) == "null");
}

SCENARIO("a message is encoded once for all streams", "[relay][sse]") {
  auto what = hub::make_message(hub::pid(), hub::shared_bytes("t"),
                                std::vector<hub::payload>{hub::payload::text("1"), hub::payload::json("{}")});
  auto held = what;
  const auto plain = events_of(what, false), chunk = events_of(what, true);
  CHECK(plain.view() == "event: t\ndata: 1\n\nevent: t\ndata: {}\n\n");
  CHECK(chunk.view() == "25\r\n" + std::string(plain.view()) + "\r\n");
  CHECK(events_of(what, true).data() == chunk.data());
}

SCENARIO("the relay's configuration: absent and empty are two things", "[relay][sse]") {
  std::string error;
  const auto absent = parse_sse_config("{}", error);
  REQUIRE(absent);
  CHECK_FALSE(absent->target_pid);
  CHECK_FALSE(absent->heartbeat_interval);
  const auto empty = parse_sse_config(R"({"target_pid":"","message_topic":"","heartbeat_interval":"",
    "idle_timeout":"","metadata":[]})", error);
  REQUIRE(empty);
  CHECK(empty->target_pid == "");
  CHECK(empty->message_topic == "sse.message");
  CHECK(empty->heartbeat_interval == 30s);
  CHECK(empty->idle_timeout == 0s);
  CHECK(empty->metadata == "{}");
  CHECK(parse_sse_config(R"({"heartbeat_interval":"0s"})", error)->heartbeat_interval == 0s);
  for (const char* text : {"", "x", "5", "[1]", R"({"hard_timeout":"-1s"})", R"({"metadata":1})",
                           R"({"target_pid":1})", R"({"heartbeat_interval":"soon"})"})
    CHECK_FALSE(wrong(text).empty());
}
