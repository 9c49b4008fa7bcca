#include "actors/pow/json_text.hpp"

#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

#include <limits>

using namespace natterjack::pow;
using nlohmann::json;

namespace {

std::string text(std::string_view given) {
  std::string result;
  append_json_text(result, given);
  return result;
}

} // namespace

TEST_CASE("strings are escaped so that they can stand in a page", "[pow][json_text]") {
  CHECK(text("<a href=\"x\">&</a>") == R"("\u003ca href=\"x\"\u003e\u0026\u003c/a\u003e")");
  CHECK(text("\b\f\n\r\t\\/") == R"("\b\f\n\r\t\\/")");
  CHECK(text(std::string("\0\x01\x1f\x7f", 4)) == "\"\\u0000\\u0001\\u001f\x7f\"");
  CHECK(text("\u2028\u2029\u2027") == "\"\\u2028\\u2029\u2027\"");
  CHECK(text("ä€😀") == "\"ä€😀\"");
  CHECK(text("a\xff\xc3") == R"("a\ufffd\ufffd")");
}

TEST_CASE("numbers have their shortest form", "[pow][json_text]") {
  const std::vector<std::pair<double, std::string>> cases = {
      {1.5, "1.5"},   {1e20, "100000000000000000000"}, {1.5e30, "1.5e+30"}, {1e21, "1e+21"},
      {1e-6, "0.000001"}, {1.5e-7, "1.5e-7"}, {1e-10, "1e-10"}, {-0.25, "-0.25"}, {3.0, "3"}, {1e100, "1e+100"}};
  for (const auto& [number, expected] : cases)
    CHECK(json_value(number) == expected);
  CHECK(json_value(std::numeric_limits<int64_t>::min()) == "-9223372036854775808");
  CHECK_FALSE(json_value(std::numeric_limits<double>::infinity()));
  CHECK_FALSE(json_value(json::array({std::nan("")})));
}

TEST_CASE("bytes are base64", "[pow][json_text]") {
  const auto bytes = [](std::vector<uint8_t> of) { return json_value(json::binary(std::move(of))); };
  CHECK(bytes({}) == R"("")");
  CHECK(bytes({0}) == R"("AA==")");
  CHECK(bytes({'a', 'b'}) == R"("YWI=")");
  CHECK(bytes({0xff, 0xfe, 0xfd, 0xfc}) == R"("//79/A==")");
  CHECK(json_value(json{{"data", json::binary({1, 2, 3})}}) == R"({"data":"AQID"})");
}

TEST_CASE("documents are written anew, keys sorted", "[pow][json_text]") {
  CHECK(json_document(R"( { "b" : [ 1, 2.0, "<" ] , "a" : { } , "c" : null } )") ==
        R"({"a":{},"b":[1,2,"\u003c"],"c":null})");
  CHECK_FALSE(json_document("{"));
  CHECK_FALSE(json_document(""));
}

TEST_CASE("a list of strings", "[pow][json_text]") {
  const std::vector<std::string> items = {"a", "", "\""};
  CHECK(json_list(items) == R"(["a","","\""])");
  CHECK(json_list({}) == "[]");
}
