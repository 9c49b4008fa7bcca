#include "actors/amqp/json_value.hpp"
#include "actors/amqp/unicode_printable.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;

namespace {

json_value parse(std::string_view text) {
  json_error error;
  auto value = json_value::parse(text, error);
  INFO(to_string(error));
  REQUIRE(value);
  return *value;
}

std::string repr(std::string_view text) {
  return parse(text).to_python_repr();
}

} // namespace

SCENARIO("repr is Python's", "[amqp][json_value]") {
  CHECK(repr("null") == "None");
  CHECK(repr("[true,false,5,-0,1.5,1e16,\"a\"]") == "[True, False, 5, 0, 1.5, 1e+16, 'a']");
  CHECK(repr(R"({"a":{"b":[]}})") == "{'a': {'b': []}}");
  CHECK(repr("[NaN,Infinity,-Infinity]") == "[nan, inf, -inf]");
  CHECK(repr("123456789012345678901234567890") == "123456789012345678901234567890");
  CHECK(parse("\"it's\"").to_python_text() == "it's");
  CHECK(parse("null").to_python_text() == "None");
}

SCENARIO("quotes of a repr depend on what is inside", "[amqp][json_value]") {
  CHECK(repr(R"("nobody")") == "'nobody'");
  CHECK(repr(R"("it's")") == R"("it's")");
  CHECK(repr(R"("say \"x\"")") == R"('say "x"')");
  CHECK(repr(R"("both ' and \"")") == R"('both \' and "')");
  CHECK(repr(R"("back\\slash")") == R"('back\\slash')");
}

SCENARIO("what cannot be printed is escaped in a repr", "[amqp][json_value]") {
  CHECK(repr(R"("\n\t\r\u0000\u001b\u007f\u00a0\u00ad")") == R"('\n\t\r\x00\x1b\x7f\xa0\xad')");
  CHECK(repr(R"("\u200b\u2028\ue000\ud83d")") == R"('\u200b\u2028\ue000\ud83d')");
  CHECK(repr("\"\xf3\xa0\x80\x81\"") == R"('\U000e0001')");
  CHECK(repr("\"h\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80\"") ==
        "'h\xc3\xa9\xe6\x97\xa5\xf0\x9f\x98\x80'");
  CHECK(is_printable(' '));
  CHECK_FALSE(is_printable(0x378)); // unassigned
  CHECK_FALSE(is_printable(0x10ffff));
}

SCENARIO("truth is Python's", "[amqp][json_value]") {
  for (const char* no : {"null", "false", "0", "-0", "0.0", "-0.0", "\"\"", "[]", "{}"})
    CHECK_FALSE(parse(no).is_truthy());
  for (const char* yes : {"true", "1", "0.1", "\"0\"", "[0]", "{\"a\":null}", "NaN"})
    CHECK(parse(yes).is_truthy());
}

SCENARIO("an object keeps its order and the last of duplicate keys", "[amqp][json_value]") {
  std::string text = "{";
  for (int i = 0; i < 100; ++i)
    text += "\"k" + std::to_string(i % 50) + "\":" + std::to_string(i) + ",";
  const auto value = parse(text + "\"z\":null}");
  REQUIRE(value.members().size() == 51);
  CHECK(value.members()[0].first == "k0");
  CHECK(value.find("k0")->integer() == 50);
  CHECK(value.find("k49")->integer() == 99);
  CHECK(value.find("absent") == nullptr);
}

SCENARIO("a value is written as Python writes it", "[amqp][json_value]") {
  std::string out;
  parse("{\"b\":[1,2.50,\"\xc3\xa9\",null,true,NaN],\"a\":{}}").write(out);
  CHECK(out == R"({"b": [1, 2.5, "\u00e9", null, true, NaN], "a": {}})");
}

SCENARIO("integers beyond 64 bits have no int64", "[amqp][json_value]") {
  CHECK(parse("9223372036854775807").integer() == INT64_MAX);
  CHECK_FALSE(parse("9223372036854775808").integer());
  CHECK_FALSE(parse("1.0").integer());
}
