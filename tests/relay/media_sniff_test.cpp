#include "relay/http/media_sniff.hpp"

#include "tests/catch.hpp"

#include <string>

using namespace natterjack::relay;
using namespace std::string_view_literals;

TEST_CASE("a body says what it seems to be", "[relay][http]") {
  CHECK(sniff_media_type("pong") == "text/plain; charset=utf-8");
  CHECK(sniff_media_type("{\"a\":1}") == "text/plain; charset=utf-8");
  CHECK(sniff_media_type("\xc3\xa9t\xc3\xa9") == "text/plain; charset=utf-8");
  CHECK(sniff_media_type("  <!DOCTYPE html><p>") == "text/html; charset=utf-8");
  CHECK(sniff_media_type("<h1>hi</h1>") == "text/html; charset=utf-8");
  CHECK(sniff_media_type("<h1ello") == "text/plain; charset=utf-8");
  CHECK(sniff_media_type("<p") == "text/plain; charset=utf-8");
  CHECK(sniff_media_type("<?xml version=\"1.0\"?>") == "text/xml; charset=utf-8");
  CHECK(sniff_media_type("\x89PNG\r\n\x1a\nrest") == "image/png");
  CHECK(sniff_media_type("a\0b"sv) == "application/octet-stream");
  CHECK(sniff_media_type(std::string(1000, 'x') + '\0') == "text/plain; charset=utf-8");
}
