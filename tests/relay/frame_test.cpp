#include "relay/frame.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::relay;

namespace {

std::string body_of(const hub::payload& value, const char* topic = "t") {
  const auto frames =
      frames_of(hub::make_message(hub::pid{}, hub::shared_bytes(topic), value));
  REQUIRE(frames.size() >= 2);
  REQUIRE(static_cast<unsigned char>(frames.data()[0]) == 0x81);
  REQUIRE(frames.data()[1] < 126);
  return std::string(frames.view().substr(2));
}

} // namespace

SCENARIO("a client receives topic and data", "[relay][frame]") {
  CHECK(body_of(hub::payload::json(R"({"a":1})")) == R"({"topic":"t","data":{"a":1}})");
  CHECK(body_of(hub::payload::text("hi")) == R"({"topic":"t","data":"hi"})");
  CHECK(body_of(hub::payload{}) == R"({"topic":"t","data":null})");
  CHECK(body_of(hub::payload::binary(std::string("\0\x01\xffx", 4))) ==
        R"({"topic":"t","data":"AAH/eA=="})");
  CHECK(body_of(hub::payload::text("x"), "a\"b") == R"({"topic":"a\"b","data":"x"})");
}

SCENARIO("text becomes a JSON string", "[relay][frame]") {
  auto encoded = [](std::string_view text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  CHECK(encoded("a\"\\\n\t\r\b\f\x01") == R"("a\"\\\n\t\r\b\f\u0001")");
  CHECK(encoded("\xe2\x82\xac") == "\"\xe2\x82\xac\"");
  CHECK(encoded("a\xff" "b\xc3") == "\"a\xef\xbf\xbd" "b\xef\xbf\xbd\"");
}

SCENARIO("each value is a frame of its own, in one block", "[relay][frame]") {
  const auto m = hub::make_message(hub::pid{}, hub::shared_bytes("t"),
                                   std::vector{hub::payload::json("1"), hub::payload::json("2")});
  const std::string one = R"({"topic":"t","data":1})";
  const auto frames = frames_of(m);
  REQUIRE(frames.size() == 2 * (2 + one.size()));
  CHECK(frames.view().substr(2, one.size()) == one);
  CHECK(frames_of(hub::make_message(hub::pid{}, hub::shared_bytes("t"),
                                    std::vector<hub::payload>{})).empty());
}

SCENARIO("lengths are written in one, two and eight bytes", "[relay][frame]") {
  auto header = [](size_t size) {
    const auto frame = encode_frame(opcode::text, std::string(size, 'x'));
    return std::pair(static_cast<unsigned char>(frame.data()[1]), frame.size() - size);
  };
  CHECK(header(125) == std::pair<unsigned char, size_t>(125, 2));
  CHECK(header(126) == std::pair<unsigned char, size_t>(126, 4));
  CHECK(header(65535) == std::pair<unsigned char, size_t>(126, 4));
  CHECK(header(65536) == std::pair<unsigned char, size_t>(127, 10));
}

SCENARIO("a frame is encoded once for all receivers", "[relay][frame]") {
  const auto m = hub::make_message(hub::pid{}, hub::shared_bytes("t"), hub::payload::text("x"));
  const auto other_holder = m;
  CHECK(frames_of(m).data() == frames_of(other_holder).data());
}
