#include "actors/pow/line_store.hpp"

#include "actors/pow/json_text.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

using namespace natterjack::pow;

namespace {

rest_limits bounds(size_t lines, size_t line_bytes = 1 << 20, size_t store_bytes = 1 << 20) {
  rest_limits limits;
  limits.lines = lines;
  limits.line_bytes = line_bytes;
  limits.store_bytes = store_bytes;
  return limits;
}

std::string text(const line_store& store) {
  std::string json;
  store.append_json(json);
  CHECK(json.size() <= store.json_bytes());
  return nlohmann::json::parse(json).get<std::string>();
}

} // namespace

TEST_CASE("only complete lines show before the end", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("one\ntw");
  CHECK(text(store) == "one");
  store.append("o\r\nthree");
  CHECK(text(store) == "one\ntwo");
  store.finish();
  CHECK(text(store) == "one\ntwo\nthree");
}

TEST_CASE("an end behind a line adds nothing", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("one\n");
  store.finish();
  CHECK(text(store) == "one");
}

TEST_CASE("one carriage return before the line end is dropped", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("a\r");
  store.append("\n\rb\r\r\n");
  CHECK(text(store) == "a\n\rb\r");
}

TEST_CASE("empty lines are lines", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("\n");
  CHECK(text(store).empty());
  CHECK_FALSE(store.has_text());
  store.append("\n\n");
  CHECK(text(store) == "\n\n");
}

TEST_CASE("the oldest lines make room", "[pow][line_store]") {
  SECTION("by number") {
    const auto limits = bounds(3);
    line_store store(limits);
    store.append("1\n2\n3\n");
    CHECK(text(store) == "1\n2\n3");
    store.append("4\n");
    CHECK(text(store) == "2\n3\n4");
  }
  SECTION("by size, but the newest stays") {
    const auto limits = bounds(100, 100, 10);
    line_store store(limits);
    store.append("12345\n12345\n");
    CHECK(text(store) == "12345\n12345");
    store.append("6\n");
    CHECK(text(store) == "12345\n6");
    store.append(std::string(50, 'x') + "\n");
    CHECK(text(store) == std::string(50, 'x'));
  }
}

TEST_CASE("a line beyond its bound is broken", "[pow][line_store]") {
  const auto limits = bounds(100, 4);
  line_store store(limits);
  store.append("12345678");
  store.append("9\nabcd\n");
  store.finish();
  CHECK(text(store) == "1234\n5678\n9\nabcd");
}

TEST_CASE("lines are kept as JSON has all of them", "[pow][line_store]") {
  const auto limits = bounds(100);
  line_store store(limits);
  const std::string given = "\"q\" \\ \x01\t<&>\n\xc3\xa4 \xe2\x80\xa8 \xe2\x80\xa9\n\xff\xc3\n\x7f";
  store.append(given);
  store.finish();
  std::string kept, whole;
  store.append_json(kept);
  append_json_text(whole, given);
  CHECK(kept == whole);
  CHECK(whole == R"("\"q\" \\ \u0001\t\u003c\u0026\u003e\nä \u2028 \u2029\n\ufffd\ufffd\n)" "\x7f\"");
}
