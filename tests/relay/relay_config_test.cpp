#include "relay/relay_config.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

relay_config read(std::string_view json) {
  std::string error;
  auto config = parse_relay_config(json, error);
  REQUIRE(config);
  return *config;
}

} // namespace

SCENARIO("the header's fields are read", "[relay][relay_config]") {
  const auto config = read(R"({"target_pid":"{a|0x1}","message_topic":"m","heartbeat_interval":"1s",
                               "metadata":{"z":1,"a":[2]},"payload_format":"text","else":true})");
  CHECK(config.target_pid == "{a|0x1}");
  CHECK(config.message_topic == "m");
  CHECK(config.heartbeat_interval == 1s);
  CHECK(config.metadata == R"({"z":1,"a":[2]})");
  CHECK(config.payload_format == hub::relay_dialect::text);
  CHECK(config.problems.empty());
}

SCENARIO("an empty Lua table counts as empty metadata", "[relay][relay_config]") {
  CHECK(read(R"({"metadata":[]})").metadata == "{}");
  CHECK(read(R"({"metadata":{}})").metadata == "{}");
  CHECK_FALSE(read(R"({})").metadata);
}

SCENARIO("a field that is wrong is named, the others stand", "[relay][relay_config]") {
  auto problem = [](std::string_view json) {
    const auto config = read(json);
    REQUIRE(config.problems.size() == 1);
    return config.problems.front();
  };
  CHECK(problem(R"({"target_pid":5})") == "target_pid: expected a string, found number");
  CHECK(problem(R"({"metadata":[1]})") == "metadata: expected an object, found array");
  CHECK(problem(R"({"metadata":"x"})") == "metadata: expected an object, found string");
  CHECK(problem(R"({"heartbeat_interval":"-1s"})").starts_with("heartbeat_interval: expected"));
  CHECK(problem(R"({"payload_format":"xml"})").starts_with("payload_format: expected"));
  CHECK(read(R"({"heartbeat_interval":"soon"})").warnings.size() == 1);
  CHECK(read(R"({"heartbeat_interval":"0s"})").heartbeat_interval == 0ns);
}

SCENARIO("what is no JSON object is refused", "[relay][relay_config]") {
  std::string error;
  CHECK_FALSE(parse_relay_config("{", error));
  CHECK(error == "not valid JSON");
  CHECK_FALSE(parse_relay_config("[]", error));
  CHECK(error == "expected a JSON object, found array");
  CHECK_FALSE(parse_relay_config(std::string(100'000, '['), error));
  CHECK_FALSE(parse_relay_config("", error));
}

SCENARIO("what becomes of a connection whose target ends can be said", "[relay][relay_config]") {
  const auto config = read(R"({"on_exit":"hold","hold_timeout":"1m"})");
  CHECK(config.on_exit == on_exit_policy::hold);
  CHECK(config.hold_timeout == 1min);
  CHECK(read(R"({"on_exit":"close"})").on_exit == on_exit_policy::close);
  CHECK_FALSE(read("{}").on_exit);
  for (const char* wrong : {R"({"on_exit":"wait"})", R"({"on_exit":1})", R"({"hold_timeout":"0s"})",
                            R"({"hold_timeout":"-1s"})", R"({"hold_timeout":"61m"})",
                            R"({"hold_timeout":"soon"})", R"({"hold_timeout":5})"})
    CHECK(read(wrong).problems.size() == 1);
}
