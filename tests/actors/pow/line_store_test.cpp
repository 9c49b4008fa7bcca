#include "actors/pow/line_store.hpp"

#include "tests/catch.hpp"

using namespace natterjack::pow;

namespace {

rest_limits bounds(size_t lines, size_t line_bytes = 1 << 20, size_t store_bytes = 1 << 20) {
  rest_limits limits;
  limits.lines = lines;
  limits.line_bytes = line_bytes;
  limits.store_bytes = store_bytes;
  return limits;
}

} // namespace

TEST_CASE("only complete lines show before the end", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("one\ntw");
  CHECK(store.text() == "one");
  store.append("o\r\nthree");
  CHECK(store.text() == "one\ntwo");
  store.finish();
  CHECK(store.text() == "one\ntwo\nthree");
}

TEST_CASE("an end behind a line adds nothing", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("one\n");
  store.finish();
  CHECK(store.text() == "one");
}

TEST_CASE("one carriage return before the line end is dropped", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("a\r");
  store.append("\n\rb\r\r\n");
  CHECK(store.text() == "a\n\rb\r");
}

TEST_CASE("empty lines are lines", "[pow][line_store]") {
  const auto limits = bounds(10);
  line_store store(limits);
  store.append("\n");
  CHECK(store.text().empty());
  store.append("\n\n");
  CHECK(store.text() == "\n\n");
}

TEST_CASE("the oldest lines make room", "[pow][line_store]") {
  SECTION("by number") {
    const auto limits = bounds(3);
    line_store store(limits);
    store.append("1\n2\n3\n");
    CHECK(store.text() == "1\n2\n3");
    store.append("4\n");
    CHECK(store.text() == "2\n3\n4");
  }
  SECTION("by size, but the newest stays") {
    const auto limits = bounds(100, 100, 10);
    line_store store(limits);
    store.append("12345\n12345\n");
    CHECK(store.text() == "12345\n12345");
    store.append("6\n");
    CHECK(store.text() == "12345\n6");
    store.append(std::string(50, 'x') + "\n");
    CHECK(store.text() == std::string(50, 'x'));
  }
}

TEST_CASE("a line beyond its bound is broken", "[pow][line_store]") {
  const auto limits = bounds(100, 4);
  line_store store(limits);
  store.append("12345678");
  store.append("9\nabcd\n");
  store.finish();
  CHECK(store.text() == "1234\n5678\n9\nabcd");
}
