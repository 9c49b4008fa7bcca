#include "relay/http/router.hpp"
#include "tests/catch.hpp"

#include <stdexcept>

using namespace natterjack::relay;

namespace {

std::string pattern_for(const router& routes, const char* method, const char* path) {
  const auto match = routes.find(method, path);
  return match.found == nullptr ? "" : match.found->pattern;
}

} // namespace

SCENARIO("the more specific pattern answers", "[relay][router]") {
  router routes;
  for (const char* pattern : {"/{path...}", "/api/v1/{id}", "/api/v1/ws", "/api/{rest...}"})
    routes.add({"GET", pattern, nullptr, nullptr, nullptr});
  CHECK(pattern_for(routes, "GET", "/api/v1/ws") == "/api/v1/ws");
  CHECK(pattern_for(routes, "GET", "/api/v1/5") == "/api/v1/{id}");
  CHECK(pattern_for(routes, "GET", "/api/v1/5/6") == "/api/{rest...}");
  CHECK(pattern_for(routes, "GET", "/") == "/{path...}");
  CHECK(pattern_for(routes, "HEAD", "/x") == "/{path...}");
  const auto match = routes.find("GET", "/api/v1/7");
  REQUIRE(match.params.size() == 1);
  CHECK(match.params.front() == std::pair<std::string, std::string>("id", "7"));
}

SCENARIO("a path of another method says which ones it has", "[relay][router]") {
  router routes;
  routes.add({"GET", "/a", nullptr, nullptr, nullptr});
  routes.add({"POST", "/a", nullptr, nullptr, nullptr});
  CHECK(routes.find("DELETE", "/a").allow == "GET, HEAD, POST, OPTIONS");
  CHECK(routes.find("DELETE", "/b").allow.empty());
  CHECK(pattern_for(routes, "POST", "/a") == "/a");
  CHECK(pattern_for(routes, "GET", "/a/").empty());
}

SCENARIO("malformed and double patterns are refused", "[relay][router]") {
  router routes;
  routes.add({"GET", "/a/{x}", nullptr, nullptr, nullptr});
  CHECK_THROWS_AS(routes.add({"GET", "/a/{y}", nullptr, nullptr, nullptr}), std::invalid_argument);
  CHECK_THROWS_AS(routes.add({"GET", "a", nullptr, nullptr, nullptr}), std::invalid_argument);
  CHECK_THROWS_AS(routes.add({"GET", "/{x...}/b", nullptr, nullptr, nullptr}), std::invalid_argument);
  CHECK_THROWS_AS(routes.add({"GET", "/{", nullptr, nullptr, nullptr}), std::invalid_argument);
}
