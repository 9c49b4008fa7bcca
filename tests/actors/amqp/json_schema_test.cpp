#include "actors/amqp/json_schema.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;

namespace {

json_schema schema(std::string_view text) {
  json_error error;
  const auto document = json_value::parse(text, error);
  REQUIRE(document);
  return json_schema(*document);
}

json_value object(const std::string& name, json_value value) {
  return json_value::make_object({{name, std::move(value)}});
}

} // namespace

TEST_CASE("patterns take time by the length of a text, not beyond", "[amqp][schema]") {
  const auto by_text = schema(R"({"properties": {"t": {"pattern": "(a+)+b"}}})");
  CHECK(by_text.accepts(object("t", json_value(std::string("xaaab")))));
  CHECK_FALSE(by_text.accepts(object("t", json_value(std::string(2'000, 'a')))));
  const auto by_name = schema(R"({"patternProperties": {"(a+)+b": false}})");
  CHECK(by_name.accepts(object(std::string(2'000, 'a'), json_value(true))));
  CHECK_FALSE(by_name.accepts(object("aab", json_value(true))));
}

TEST_CASE("a pattern may refer back", "[amqp][schema]") {
  const auto twice = schema(R"({"properties": {"t": {"pattern": "^(a|b)\\1$"}}})");
  CHECK(twice.accepts(object("t", json_value(std::string("aa")))));
  CHECK_FALSE(twice.accepts(object("t", json_value(std::string("ab")))));
}

TEST_CASE("a name may be too long for a pattern", "[amqp][schema]") {
  const auto made = schema(R"({"patternProperties": {"^(a|b)*\\1$": true}})");
  std::string why;
  CHECK_FALSE(made.accepts(object(std::string(200'000, 'a'), json_value(true)), &why));
  CHECK(why == "the reply: a name of 200000 bytes is too long for patternProperties");
}
