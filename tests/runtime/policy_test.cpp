#include "runtime/server/policy.hpp"
#include "tests/catch.hpp"

using natterjack::runtime::expression;
using natterjack::runtime::matches_pattern;
using natterjack::runtime::policy;
using verdict = policy::verdict;
using json = nlohmann::json;

SCENARIO("a pattern is a text with stars in it", "[policy]") {
  CHECK(matches_pattern("a.b", "a.b"));
  CHECK_FALSE(matches_pattern("a.b", "a.bc"));
  CHECK_FALSE(matches_pattern("a.b", "axb"));
  CHECK(matches_pattern("*", ""));
  CHECK(matches_pattern("*", "anything"));
  CHECK(matches_pattern("a*", "a"));
  CHECK(matches_pattern("a*c*e", "abcde"));
  CHECK(matches_pattern("a*c*e", "accee"));
  CHECK_FALSE(matches_pattern("a*c*e", "aced"));
  CHECK(matches_pattern("**b", "ab"));
  CHECK_FALSE(matches_pattern("", "a"));
  CHECK(matches_pattern("", ""));
}

namespace {

const json ada{{"id", "ada"}, {"meta", {{"team", "red"}, {"level", 3}, {"tags", {"a", "b"}}, {"mail", "ada@x.org"}}}};

verdict with(const json& condition) {
  json rule{{"actions", {"*"}}, {"resources", {"*"}}, {"effect", "allow"}};
  rule["conditions"] = json::array({condition});
  return policy(rule).evaluate(ada, "read", "doc:1");
}

} // namespace

SCENARIO("a policy says something about its own actions and resources only", "[policy]") {
  const policy rule(json{{"actions", {"read", "list.*"}}, {"resources", {"doc:*"}}, {"effect", "deny"}});
  CHECK(rule.evaluate(ada, "read", "doc:1") == verdict::deny);
  CHECK(rule.evaluate(ada, "list.all", "doc:1") == verdict::deny);
  CHECK(rule.evaluate(ada, "write", "doc:1") == verdict::undefined);
  CHECK(rule.evaluate(ada, "read", "app:1") == verdict::undefined);
  CHECK(policy(nullptr).evaluate(ada, "read", "doc:1") == verdict::undefined);
}

SCENARIO("all conditions of a policy must hold", "[policy]") {
  const auto holds = [](const char* field, const char* how, const json& value) {
    return with({{"field", field}, {"operator", how}, {"value", value}}) == verdict::allow;
  };
  CHECK(holds("actor.id", "eq", "ada"));
  CHECK_FALSE(holds("actor.id", "ne", "ada"));
  CHECK(holds("actor.meta.level", "gt", 2));
  CHECK_FALSE(holds("actor.meta.level", "lt", 3));
  CHECK(holds("actor.meta.level", "lte", 3));
  CHECK(holds("actor.meta.level", "gte", 3.0));
  CHECK_FALSE(holds("actor.meta.level", "gt", "2")); // a number and a text
  CHECK_FALSE(holds("actor.meta.nothing", "lt", 3));
  CHECK(holds("actor.meta.team", "in", {"red", "blue"}));
  CHECK(holds("actor.meta.team", "nin", {"green"}));
  CHECK(holds("actor.meta.tags", "contains", "a"));
  CHECK(holds("actor.meta.tags", "ncontains", "z"));
  CHECK(holds("actor.meta.mail", "contains", "@x"));
  CHECK(holds("actor.meta.mail", "matches", "*@x.org"));
  CHECK(holds("actor.meta.team", "exists", nullptr));
  CHECK(holds("actor.meta.nothing", "nexists", nullptr));
  CHECK_FALSE(holds("actor.meta.team.deeper", "exists", nullptr));
  CHECK(holds("action", "eq", "read"));
  CHECK_FALSE(holds("actor.id", "surprise", "ada"));
  CHECK(with({{"field", "actor.meta.team"}, {"value", "red"}}) == verdict::allow); // eq
  CHECK(with({{"field", "actor.id"}, {"value_from", "actor.id"}}) == verdict::allow);
  CHECK(with({{"field", "actor.id"}, {"value_from", "actor.meta.team"}}) == verdict::undefined);
  CHECK(with("nonsense") == verdict::undefined);
}

SCENARIO("a policy with an expression counts where that is true", "[policy]") {
  const auto says = [](const char* effect, const char* text) {
    const json rule{{"actions", {"*"}}, {"resources", {"*"}}, {"effect", effect}, {"expression", text}};
    std::string why;
    return policy(rule, expression::parse(text, why)).evaluate(ada, "read", "doc:1");
  };
  CHECK(says("allow", "actor.id == 'ada' && action == 'read'") == verdict::allow);
  CHECK(says("allow", "actor.id == 'root'") == verdict::undefined);
  CHECK(says("deny", "resource startsWith 'doc:'") == verdict::deny);
  CHECK(says("deny", "'z' in actor.meta.tags") == verdict::undefined);
  CHECK(says("allow", "actor.meta.level") == verdict::undefined); // 3 is not true
  WHEN("it cannot be told") {
    THEN("nothing is allowed by it, and nothing escapes a denial") {
      CHECK(says("allow", "actor.id > 1") == verdict::undefined);
      CHECK(says("deny", "actor.id > 1") == verdict::deny);
      CHECK(says("allow", "actor.id ==") == verdict::undefined); // is not parsed
      CHECK(says("deny", "actor.id ==") == verdict::deny);
    }
  }
}
