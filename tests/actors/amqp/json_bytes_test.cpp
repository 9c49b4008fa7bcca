#include "actors/amqp/json_bytes.hpp"
#include "tests/catch.hpp"

using namespace natterjack::amqp;
using namespace std::string_literals;

namespace {

std::string decoded(const std::string& bytes) {
  std::string storage;
  const auto text = decode_json_bytes(bytes, storage);
  return text ? std::string(*text) : "nothing";
}

} // namespace

SCENARIO("JSON bytes tell their encoding", "[amqp][json_bytes]") {
  CHECK(decoded("[1]") == "[1]");
  CHECK(decoded("\xef\xbb\xbf[1]") == "[1]");
  CHECK(decoded("\xff\xfe[\0001\0]\0"s) == "[1]");
  CHECK(decoded("\xfe\xff\0[\0001\0]"s) == "[1]");
  CHECK(decoded("[\0001\0]\0"s) == "[1]");
  CHECK(decoded("\0[\0001\0]"s) == "[1]");
  CHECK(decoded("\xff\xfe\0\0[\0\0\0"s) == "[");
  CHECK(decoded("\0\0\xfe\xff\0\0\0["s) == "[");
  CHECK(decoded("[\0\0\0]\0\0\0"s) == "[]");
  CHECK(decoded("\0\0\0[\0\0\0]"s) == "[]");
  CHECK(decoded("1\0"s) == "1");
  CHECK(decoded("\0001"s) == "1");
  CHECK(decoded("") == "");
}

SCENARIO("surrogates in UTF-16 become one character, or stay alone", "[amqp][json_bytes]") {
  CHECK(decoded("\xff\xfe\x3d\xd8\x00\xde"s) == "\xf0\x9f\x98\x80");
  CHECK(decoded("\xff\xfe\x3d\xd8[\0"s) == "\xed\xa0\xbd[");
}

SCENARIO("broken bytes are refused", "[amqp][json_bytes]") {
  CHECK(decoded("\xff\xfe[\0]"s) == "nothing");
  CHECK(decoded("\xff\xfe\0\0[\0"s) == "nothing");
  CHECK(decoded("\xff\xfe\0\0\0\0\x11\0"s) == "nothing"); // beyond U+10FFFF
}
