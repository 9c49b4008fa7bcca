#include "actors/pow/control_message.hpp"

#include "actors/pow/json_reader.hpp"
#include "tests/catch.hpp"

using namespace natterjack::pow;
using texts = std::vector<std::string>;

namespace {

texts arguments_of(std::string_view message) {
  const auto called = decode_call(message, behind::nothing);
  REQUIRE(called);
  REQUIRE(called->arguments);
  return *called->arguments;
}

} // namespace

TEST_CASE("a call has a name and arguments", "[pow][control_message]") {
  const auto called = decode_call(R"( {"call":"echo","params":["a","b"]} )", behind::nothing);
  REQUIRE(called);
  CHECK(called->name == "echo");
  CHECK(called->arguments == texts{"a", "b"});
}

TEST_CASE("no list is not an empty list", "[pow][control_message]") {
  CHECK_FALSE(decode_call(R"({"call":"x"})", behind::nothing)->arguments);
  CHECK_FALSE(decode_call(R"({"call":"x","params":null})", behind::nothing)->arguments);
  CHECK(arguments_of(R"({"params":[]})").empty());
}

TEST_CASE("field names match without case, by simple folding", "[pow][control_message]") {
  CHECK(decode_call(R"({"CaLL":"x"})", behind::nothing)->name == "x");
  CHECK(decode_call(R"({"c\u0061ll":"x"})", behind::nothing)->name == "x");
  CHECK(arguments_of("{\"param\xc5\xbf\":[\"x\"]}") == texts{"x"});
  CHECK(decode_call(R"({"calls":"x","cal":"y"," call":"z"})", behind::nothing)->name.empty());
}

TEST_CASE("of doubled fields the last counts, and null changes nothing", "[pow][control_message]") {
  CHECK(decode_call(R"({"call":"a","call":"b"})", behind::nothing)->name == "b");
  CHECK(decode_call(R"({"call":"a","call":null})", behind::nothing)->name == "a");
  CHECK(arguments_of(R"({"params":["a","b"],"params":["c"]})") == texts{"c"});
  CHECK(arguments_of(R"({"params":["a"],"params":[null,null]})") == texts{"a", ""});
}

TEST_CASE("what stands behind the document", "[pow][control_message]") {
  CHECK_FALSE(decode_call("{} x", behind::nothing));
  CHECK(decode_call("{} x", behind::anything));
  CHECK(decode_call("null", behind::nothing));
  CHECK_FALSE(decode_call("", behind::anything));
}

TEST_CASE("strings are repaired, not refused", "[pow][control_message]") {
  const std::string bad = "\xef\xbf\xbd";
  CHECK(arguments_of("{\"params\":[\"a\xff\xc3\"]}") == texts{"a" + bad + bad});
  CHECK(arguments_of(R"({"params":["\ud800","\udc00","\ud800\ud800\udc00"]})") ==
        texts{bad, bad, bad + "\xf0\x90\x80\x80"});
  CHECK(arguments_of(R"({"params":["\ud83d\ude00"]})") == texts{"\xf0\x9f\x98\x80"});
}

TEST_CASE("unknown fields must be JSON all the same", "[pow][control_message]") {
  for (const char* good : {"0", "-0", "1.5e+30", "[]", "{}", R"([{"a":[]},{}])", "\"\"", "true", "false",
                           "null", "[ 1 , 2 ]", R"({ "a" : 1 , "b" : [ ] })"})
    CHECK(decode_call("{\"x\":" + std::string(good) + "}", behind::nothing));
  for (const char* bad : {"", "01", "1.", ".5", "-", "1e", "+1", "tru", "[1,]", "[,]", "{\"a\"}", "{\"a\":}",
                          "{\"a\":1,}", "{,}", "[}", "'a'", "\"\t\"", "\"\\q\"", "\"\\u12g4\"", "NaN"})
    CHECK_FALSE(decode_call("{\"x\":" + std::string(bad) + "}", behind::nothing));
}

TEST_CASE("depth is bounded and needs no stack", "[pow][json_reader]") {
  auto nested = [](size_t depth) {
    return "{\"x\":" + std::string(depth, '[') + std::string(depth, ']') + "}";
  };
  CHECK(decode_call(nested(9'999), behind::nothing));
  CHECK_FALSE(decode_call(nested(10'000), behind::nothing));
  CHECK_FALSE(decode_call("{\"x\":" + std::string(5'000'000, '['), behind::nothing));
}

TEST_CASE("signals", "[pow][control_message]") {
  CHECK(decode_signal(R"({"signal":"close"})") == signal::close);
  CHECK(decode_signal(R"({"SIGNAL":"cancel"})") == signal::cancel);
  CHECK(decode_signal("{\"\xc5\xbfignal\":\"cancel\"}") == signal::cancel);
  for (const char* other : {R"({"signal":"Close"})", R"({"signal":""})", R"({"signal":null})", "null", "{}", "",
                            R"({"signal":1})", R"({"signal":"close"}x)", R"({"call":"echo"})"})
    CHECK_FALSE(decode_signal(other));
}
