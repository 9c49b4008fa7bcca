#include "hub/json_value.hpp"

#include "tests/catch.hpp"

using namespace natterjack;

namespace {
struct point {
  int x = 0, y = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(point, x, y)
} // namespace

TEST_CASE("what does not fit is said in a sentence", "[hub][json_value]") {
  CHECK(read_json<point>(R"({"x":1,"y":2})")->y == 2);
  CHECK(read_json<point>(R"({"x":1})").error() == "key 'y' not found");
  CHECK(read_json<point>(R"({"x":"1","y":2})").error() == "type must be number, but is string");
  CHECK(read_json<point>("{").error().substr(0, 9) == "no JSON: ");
  CHECK(read_json<point>("").error().substr(0, 9) == "no JSON: ");
  CHECK(read_json<std::string>("\"\xff\"").error().substr(0, 9) == "no JSON: ");
  CHECK(read_json<int>("5").value_or(0) == 5);
  CHECK(read_json<int>("x").value_or(7) == 7);
}

TEST_CASE("JSON is read to a depth", "[hub][json_value]") {
  const auto nested = [](size_t levels) {
    return std::string(levels, '[') + std::string(levels, ']');
  };
  CHECK(parse_json(nested(json_depth_max)));
  CHECK(parse_json(nested(json_depth_max + 1)).error() == "JSON of more than 512 levels");
  CHECK_FALSE(parse_json(std::string(1'000'000, '[')));
  CHECK(parse_json("\"" + std::string(1000, '[') + "\\\"[\""));
}

TEST_CASE("values become the payloads they should be", "[hub][json_value]") {
  using hub::payload_kind;
  CHECK(to_payload("text").kind() == payload_kind::text);
  CHECK(to_payload(std::string("\xff")).kind() == payload_kind::binary);
  CHECK(to_payload(json("text")).bytes() == "\"text\"");
  CHECK(to_payload(5).bytes() == "5");
  CHECK(to_payload(true).bytes() == "true");
  CHECK(to_payload(nullptr).kind() == payload_kind::nil);
  CHECK(to_payload(point{1, 2}).bytes() == R"({"x":1,"y":2})");
  CHECK(to_payload(hub::payload::json("[1]")).bytes() == "[1]");
  CHECK(to_payload(json{{"x", "\xff"}}).bytes() == "{\"x\":\"\xEF\xBF\xBD\"}");
}
