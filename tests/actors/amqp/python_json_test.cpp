#include "actors/amqp/python_json.hpp"
#include "tests/catch.hpp"

#include <limits>

using namespace natterjack::amqp;
using namespace std::string_literals;

namespace {

std::string as_python(std::string_view text, number_style style = number_style::exact) {
  std::string out;
  transcode_options options;
  options.numbers = style;
  const auto error = transcode_json(text, out, options);
  return error ? "error: " + to_string(error) : out;
}

std::string as_float(double value) {
  std::string out;
  append_python_float(out, value, number_style::exact);
  return out;
}

} // namespace

SCENARIO("separators are Python's, keys keep their order", "[amqp][python_json]") {
  CHECK(as_python(R"({"b":1,"a":[1,2,{}],"c":{"x":null}})") ==
        R"({"b": 1, "a": [1, 2, {}], "c": {"x": null}})");
  CHECK(as_python(" [ true ,\tfalse,null ]\r\n") == "[true, false, null]");
  CHECK(as_python("[]") == "[]");
  CHECK(as_python("{}") == "{}");
}

SCENARIO("of duplicate keys the last value stands at the place of the first",
         "[amqp][python_json]") {
  CHECK(as_python(R"({"a":1,"b":2,"a":3})") == R"({"a": 3, "b": 2})");
  CHECK(as_python(R"({"a":{"x":1,"x":2},"b":[{"y":1,"y":[]}],"a":{"z":1,"q":2,"z":3}})") ==
        R"({"a": {"z": 3, "q": 2}, "b": [{"y": []}]})");
  CHECK(as_python("{\"\\u0061\":1,\"a\":2}") == R"({"a": 2})");
  CHECK(as_python(R"([{"a":1,"a":2},7])") == R"([{"a": 2}, 7])");

  GIVEN("an object with more keys than are searched one by one") {
    std::string text = "{";
    std::string expected = "{";
    for (int i = 0; i < 400; ++i) {
      text += (i == 0 ? "\"k" : ",\"k") + std::to_string(i % 40) + "\":" + std::to_string(i);
      if (i < 40)
        expected +=
            (i == 0 ? "\"k" : ", \"k") + std::to_string(i) + "\": " + std::to_string(360 + i);
    }
    THEN("the rule is the same") {
      CHECK(as_python(text + "}") == expected + "}");
    }
  }
}

SCENARIO("text is ASCII, escaped as Python escapes it", "[amqp][python_json]") {
  CHECK(as_python("\"h\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x98\x80 \x7f \xe2\x80\xa8\"") ==
        R"("h\u00e9 \u65e5 \ud83d\ude00 \u007f \u2028")");
  CHECK(as_python(R"("\ud83d\uDE00 \ud83d x \ude00")") == R"("\ud83d\ude00 \ud83d x \ude00")");
  CHECK(as_python(R"("\u0041\/\b\f\n\r\t\"\\\u001f")") == "\"A/\\b\\f\\n\\r\\t\\\"\\\\\\u001f\"");
  CHECK(as_python("\"\xed\xa0\xbd\"") == R"("\ud83d")"); // a lone surrogate in bytes
}

SCENARIO("integers keep their digits", "[amqp][python_json]") {
  CHECK(as_python("12345678901234567890123") == "12345678901234567890123");
  CHECK(as_python("-0") == "0");
  CHECK(as_python("-17") == "-17");
}

SCENARIO("other numbers are the shortest text that reads back", "[amqp][python_json]") {
  CHECK(
      as_python("[1.0,100000.0,1e16,1e15,1e-4,1e-5,1e-07,1E+22,5e-324,-0.0,0e5]") ==
      "[1.0, 100000.0, 1e+16, 1000000000000000.0, 0.0001, 1e-05, 1e-07, 1e+22, 5e-324, -0.0, 0.0]");
  CHECK(as_python("[0.30000000000000004,9007199254740993.0,123456789012345678.0,12345.678e3]") ==
        "[0.30000000000000004, 9007199254740992.0, 1.2345678901234568e+17, 12345678.0]");
  CHECK(as_float(1.7976931348623157e308) == "1.7976931348623157e+308");
  CHECK(as_float(1e100) == "1e+100");
  CHECK(as_float(-1.5e-10) == "-1.5e-10");
  CHECK(as_python("[1e-400,-1e-400]") == "[0.0, -0.0]");
}

SCENARIO("what is not finite is null, unless bytes must match", "[amqp][python_json]") {
  CHECK(as_python("[NaN,Infinity,-Infinity,1e999,-1e999]") ==
        "[NaN, Infinity, -Infinity, Infinity, -Infinity]");
  CHECK(as_python("[NaN,Infinity,-Infinity,1e999]", number_style::strict) ==
        "[null, null, null, null]");
}

SCENARIO("what is not JSON is refused and leaves no trace", "[amqp][python_json]") {
  for (const auto& text : {""s,
                           " "s,
                           "{"s,
                           "[1,]"s,
                           "{\"a\":1,}"s,
                           "{a:1}"s,
                           "01"s,
                           "1."s,
                           "+1"s,
                           ".5"s,
                           "1 2"s,
                           "\"a"s,
                           "\"\x01\""s,
                           "\"\\x\""s,
                           "\"\\u12g4\""s,
                           "nul"s,
                           "[1}"s,
                           "{\"a\" 1}"s,
                           "-"s,
                           "\"\\ud83d\\u\""s,
                           "\"\xff\""s,
                           "\"\xc0\x80\""s,
                           "\"\xf5\x80\x80\x80\""s,
                           "\xef\xbb\xbf{}"s,
                           "\0"s}) {
    CAPTURE(text);
    std::string out = "before";
    const auto error = transcode_json(text, out, {});
    CHECK(error);
    CHECK(out == "before");
  }
  CHECK(as_python("[1, x]") == "error: not JSON: expected a value at byte 4");
}

SCENARIO("nesting costs no stack and has a bound", "[amqp][python_json]") {
  const auto nested = [](size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  std::string out;
  transcode_options options;
  options.depth_max = 100;
  CHECK_FALSE(transcode_json(nested(99), out, options));
  CHECK_FALSE(transcode_json(nested(100), out, options));
  CHECK(transcode_json(nested(101), out, options).what == json_error::cause::too_deep);
  options.depth_max = 1'000'000;
  CHECK_FALSE(transcode_json(nested(500'000), out, options));
}

SCENARIO("the result has a bound", "[amqp][python_json]") {
  std::string out;
  transcode_options options;
  options.bytes_max = 10;
  CHECK_FALSE(transcode_json("\"12345678\"", out, options));
  CHECK(transcode_json("\"123456789\"", out, options).what == json_error::cause::refused_by_sink);
}

SCENARIO("the keys of the outermost object can be had", "[amqp][python_json]") {
  std::string out;
  std::vector<std::string> keys;
  transcode_options options;
  options.top_keys = &keys;
  transcode_json("{\"a\":{\"inner\":1},\"\xc3\xa9\":2,\"a\":3,\"c\":[{\"d\":1}]}", out, options);
  CHECK(keys == std::vector<std::string>{"a", "\xc3\xa9", "c"});
  keys.clear();
  transcode_json("[{\"a\":1}]", out, options);
  CHECK(keys.empty());
}
