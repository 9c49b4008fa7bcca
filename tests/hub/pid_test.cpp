#include "hub/pid.hpp"
#include "tests/catch.hpp"

using namespace natterjack::hub;

namespace {

const host_name gateway{"here", "app:gateway", "{here@app:gateway|0x"};

} // namespace

SCENARIO("a PID is written with at least five hexadecimal digits", "[hub][pid]") {
  CHECK(to_string(pid(&gateway, 1)) == "{here@app:gateway|0x00001}");
  CHECK(to_string(pid(&gateway, 0xfffff)) == "{here@app:gateway|0xfffff}");
  CHECK(to_string(pid(&gateway, 0x123456)) == "{here@app:gateway|0x123456}");
  CHECK(to_string(pid{}).empty());
}

SCENARIO("PID texts of this and of older forms are read", "[hub][pid]") {
  const auto now = parse_pid("{here@app:gateway|0x0002a}");
  REQUIRE(now);
  CHECK(now->node == "here");
  CHECK(now->host == "app:gateway");
  CHECK(now->number == 42);

  const auto without_node = parse_pid("{app:gateway|0x00001}");
  REQUIRE(without_node);
  CHECK(without_node->node.empty());

  const auto three_parts = parse_pid("{vm@app:gateway|ws:conn|0x00007}");
  REQUIRE(three_parts);
  CHECK(three_parts->host == "app:gateway");
  CHECK(three_parts->number == 7);
}

SCENARIO("what is no PID is refused with the reason", "[hub][pid]") {
  std::string why;
  CHECK_FALSE(parse_pid("here@app|0x1", &why));
  CHECK(why == "invalid pid format: missing braces");
  CHECK_FALSE(parse_pid("{here@app:gateway}", &why));
  CHECK(why == "invalid pid format: missing pipe");
  for (const char* text : {"", "{", "{}", "{a|}", "{a|0x}", "{a|0xg}", "{a|0x1ffffffffffffffff}"})
    CHECK_FALSE(parse_pid(text));
}
