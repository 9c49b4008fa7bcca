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

TEST_CASE("a path is below the base however it is escaped", "[pow][paths]") {
  CHECK(path_below("/", "/a/b") == "a/b");
  CHECK(path_below("/pow/", "/pow/new") == "new");
  CHECK(path_below("/pow/", "/%70ow/a%2Fb") == "a%2Fb");
  CHECK(path_below("/my jobs/\xc3\xa9/", "/my%20jobs/%c3%a9/new") == "new");
  CHECK(path_below("/pow/", "/pow/") == "");
  CHECK_FALSE(path_below("/pow/", "/pow"));
  CHECK_FALSE(path_below("/pow/", "/powx/new"));
  CHECK_FALSE(path_below("/a/b/", "/a%2Fb/new"));
  CHECK_FALSE(path_below("/a/b/", "/a%2Fb/new/x"));
  CHECK_FALSE(path_below("/a/", "*"));
}

TEST_CASE("a path is escaped for URLs, once", "[pow][paths]") {
  CHECK(escape_path("/a-b_c.~/x:y@z/") == "/a-b_c.~/x:y@z/");
  CHECK(escape_path("/my jobs/\xc3\xa9/") == "/my%20jobs/%C3%A9/");
  CHECK(escape_path("/\"<>&'?#/") == "/%22%3C%3E%26%27%3F%23/");
  CHECK(escape_path("/a%20b/%zz/%") == "/a%20b/%25zz/%25");
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
  request.target = "//x?";
  CHECK(redirect(request, "/x").header("Location") == "/x");
}
