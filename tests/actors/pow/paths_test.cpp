#include "actors/pow/paths.hpp"

#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::pow;

TEST_CASE("paths are cleaned as clients expect", "[pow][paths]") {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "/"},          {"/", "/"},         {"//", "/"},        {"/a//b", "/a/b"},  {"/a/./b", "/a/b"},
      {"/a/../b", "/b"},  {"/../..", "/"},    {"/a/", "/a/"},     {"/a/..", "/"},     {"/a/b/..", "/a"},
      {"/a/../", "/"},    {"a", "/a"},        {"/.a/..b", "/.a/..b"}, {"/%2e%2e/x", "/%2e%2e/x"}};
  for (const auto& [given, clean] : cases) {
    INFO(given);
    CHECK(clean_path(given) == clean);
  }
}

TEST_CASE("a base path has a slash at both ends", "[pow][paths]") {
  CHECK(clean_base_path("") == "/");
  CHECK(clean_base_path("pow") == "/pow/");
  CHECK(clean_base_path("/pow//x/") == "/pow/x/");
}

TEST_CASE("websockets may leave out the last slash of the base", "[pow][paths]") {
  CHECK(is_websocket_path("/pow/", "/pow"));
  CHECK(is_websocket_path("/pow/", "/pow/"));
  CHECK(is_websocket_path("/pow/", "/pow/a/b"));
  CHECK_FALSE(is_websocket_path("/pow/", "/powx"));
  CHECK_FALSE(is_websocket_path("/pow/", "/"));
  CHECK(is_websocket_path("/", "//x/../y"));
}

TEST_CASE("the raw path is what the client wrote", "[pow][paths]") {
  relay::http_request request;
  request.target = "/a%2Fb/../c?x=/y";
  CHECK(raw_path(request) == "/a%2Fb/../c");
  request.target = "http://host:80/a?b";
  CHECK(raw_path(request) == "/a");
  request.target = "http://host";
  CHECK(raw_path(request) == "/");
}

TEST_CASE("a redirect keeps the query and escapes its page", "[pow][paths]") {
  relay::http_request request;
  request.method = "GET";
  request.target = "//x?a=<b>&c";
  const auto response = redirect(request, "/x");
  CHECK(response.status == 307);
  CHECK(response.header("Location") == "/x?a=<b>&c");
  CHECK(response.body == "<a href=\"/x?a=&lt;b&gt;&amp;c\">Temporary Redirect</a>.\n\n");
  request.method = "POST";
  CHECK(redirect(request, "/x").body.empty());
}
