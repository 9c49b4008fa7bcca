#include "relay/http/client.hpp"
#include "tests/catch.hpp"

using namespace natterjack::relay;

SCENARIO("a URL is taken apart, or it is said why not", "[relay][http_client]") {
  std::string why;
  const auto parts = parse_url("https://user@Host.example:8443/a/b?c=d#e", "http", "https", why);
  REQUIRE(parts);
  CHECK(parts->is_secure);
  CHECK(parts->host == "Host.example");
  CHECK(parts->port == "8443");
  CHECK(parts->target == "/a/b?c=d");
  CHECK(parts->authority == "Host.example:8443");
  const auto ipv6 = parse_url("http://[::1]:81", "http", "https", why);
  REQUIRE(ipv6);
  CHECK(ipv6->host == "::1");
  CHECK(ipv6->target == "/");
  // A scheme alone is no URL: what stands behind the text is nobody's.
  const std::string text = "https is a scheme";
  for (auto url : {std::string_view(text).substr(0, 5), std::string_view(text).substr(0, 4),
                   std::string_view(text), std::string_view()}) {
    why.clear();
    CHECK_FALSE(parse_url(url, "http", "https", why));
    CHECK(why == "the URL must begin with http:// or https://");
  }
  for (auto url : {"http://", "http://:80", "http://h:0", "http://h:70000", "http://h:8x", "http://[::1",
                   "http://a b/", "http://h/a\r\nX: y"})
    CHECK_FALSE(parse_url(url, "http", "https", why));
}

SCENARIO("a header cannot end its line", "[relay][http_client]") {
  CHECK(find_bad_header({{"X-A", "any value; even ümlauts"}, {"Accept", ""}}).empty());
  CHECK(find_bad_header({{"X-A", "a\r\nX-Injected: b"}}) ==
        "the header X-A has a line break or a NUL in its value");
  CHECK_FALSE(find_bad_header({{"X-A", "a\nb"}}).empty());
  CHECK_FALSE(find_bad_header({{"X-A", std::string("a\0b", 3)}}).empty());
  for (auto name : {"", "a b", "a:", "a\r\nb", "ü"})
    CHECK_FALSE(find_bad_header({{name, "x"}}).empty());
  CHECK(is_token("graphql-ws.v1"));
  CHECK_FALSE(is_token("a, b"));
}
