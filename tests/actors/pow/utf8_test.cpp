#include "actors/pow/utf8.hpp"

#include "hub/payload.hpp"
#include "tests/catch.hpp"
#include "tests/seed.hpp"

#include <random>

using namespace natterjack;
using namespace natterjack::pow;

namespace {

std::string join(const std::vector<std::string>& pieces) {
  utf8_joiner joiner;
  std::string result;
  for (const auto& piece : pieces) {
    const auto text = joiner.take(piece);
    CHECK(hub::is_utf8(text));
    result += text;
  }
  return result += joiner.finish();
}

const std::string bad(replacement_character);

} // namespace

TEST_CASE("valid text passes as it is", "[pow][utf8]") {
  CHECK(join({"plain", "ä€😀", ""}) == "plainä€😀");
}

TEST_CASE("a character cut anywhere is joined", "[pow][utf8]") {
  const std::string text = "aä€😀z";
  for (size_t first = 0; first <= text.size(); ++first)
    for (size_t second = first; second <= text.size(); ++second)
      CHECK(join({text.substr(0, first), text.substr(first, second - first), text.substr(second)}) ==
            text);
}

TEST_CASE("bytes that are no character are replaced one by one", "[pow][utf8]") {
  CHECK(join({"a\xff\xfe"}) == "a" + bad + bad);
  CHECK(join({"\xc3", "x"}) == bad + "x");
  CHECK(join({"\xe2\x82"}) == bad + bad);
  CHECK(join({"\xed\xa0\x80"}) == bad + bad + bad); // a surrogate
  CHECK(join({"\xf0\x80", "\x80\x80"}) == bad + bad + bad + bad); // too long a form
}

TEST_CASE("only what can become a character is held back", "[pow][utf8]") {
  CHECK(unfinished_tail("x\xc3") == 1);
  CHECK(unfinished_tail("x\xe2\x82") == 2);
  CHECK(unfinished_tail("x\xf0\x9f\x98") == 3);
  CHECK(unfinished_tail("x\xf4\x8f") == 2);
  CHECK(unfinished_tail("x\xf4\x90") == 0);
  CHECK(unfinished_tail("x\xe0\x80") == 0);
  CHECK(unfinished_tail("x\xed\xa0") == 0);
  CHECK(unfinished_tail("x\xff") == 0);
  CHECK(unfinished_tail("ä") == 0);
  CHECK(unfinished_tail("") == 0);
}

TEST_CASE("how bytes are cut does not change the text", "[pow][utf8]") {
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  constexpr char alphabet[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\xff\xed";
  for (int round = 0; round < 2000; ++round) {
    std::string bytes;
    for (int i = 0; i < 12; ++i)
      bytes += alphabet[random() % (sizeof alphabet - 1)];
    std::vector<std::string> pieces;
    for (size_t at = 0; at < bytes.size();) {
      const auto size = std::min<size_t>(random() % 4, bytes.size() - at);
      pieces.push_back(bytes.substr(at, size));
      at += size;
    }
    REQUIRE(join(pieces) == join({bytes}));
  }
}
