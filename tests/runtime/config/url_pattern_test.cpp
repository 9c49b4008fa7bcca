#include "runtime/config/url_pattern.hpp"
#include "tests/catch.hpp"

using namespace natterjack::runtime;

SCENARIO("paths of endpoints are checked", "[config][url]") {
  std::string why;
  for (const char* right : {"/", "/a", "/a/", "/a/b.c", "/a/{id}", "/{a}/{b}", "/f/{rest...}"}) {
    INFO(right);
    CHECK(check_pattern(right, true, why));
  }
  for (const char* wrong :
       {"", "a", "a/b", "//", "/a//b", "/a?b", "/a#b", "/a b", "/../a", "/a/./b", "/{}", "/{1}",
        "/x{a}", "/{a}x", "/{a", "/{a...}/b", "/{a}/{a}", "/a\n"}) {
    INFO(wrong);
    why.clear();
    CHECK_FALSE(check_pattern(wrong, true, why));
    CHECK_FALSE(why.empty());
  }
  CHECK_FALSE(check_pattern("/a/{id}", false, why));
}

SCENARIO("variables in other spellings are understood", "[config][url]") {
  CHECK(with_braces("/users/:id/posts/:post") == "/users/{id}/posts/{post}");
  CHECK(with_braces("/users/{id}") == "/users/{id}");
  CHECK(with_braces("/{$}") == "/");
  CHECK(with_braces("/a/") == "/a/");
  CHECK(with_braces("/at:noon/:1") == "/at:noon/:1");
  CHECK(with_braces("") == "");
}

SCENARIO("a prefix is put before a path", "[config][url]") {
  CHECK(join_path("/api/v1", "/ws") == "/api/v1/ws");
  CHECK(join_path("/api/v1/", "/ws") == "/api/v1/ws");
  CHECK(join_path("", "/ws") == "/ws");
  CHECK(join_path("/", "/ws") == "/ws");
}

SCENARIO("two routes collide when neither is the more specific", "[config][url]") {
  CHECK(collide("/a", "/a"));
  CHECK(collide("/a/{x}", "/a/{y}"));
  CHECK(collide("/a/{x}/c", "/a/b/{y}"));
  CHECK(collide("/f/{x...}", "/f/{y...}"));
  CHECK(collide("/{x}/f/{r...}", "/a/{y}/{r...}"));
  CHECK_FALSE(collide("/a", "/b"));
  CHECK_FALSE(collide("/a", "/a/"));
  CHECK_FALSE(collide("/a", "/a/b"));
  CHECK_FALSE(collide("/a/b", "/a/{x}"));
  CHECK_FALSE(collide("/a/{x}", "/a/b"));
  CHECK_FALSE(collide("/f/{x...}", "/f/a"));
  CHECK_FALSE(collide("/f/{x...}", "/f/{x}"));
  CHECK_FALSE(collide("/f/{x...}", "/g/{x}"));
}
