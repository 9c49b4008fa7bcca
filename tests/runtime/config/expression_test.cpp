#include "runtime/config/expression.hpp"

#include "tests/catch.hpp"

using natterjack::runtime::expression;
using nlohmann::json;

namespace {

const json facts{{"actor", {{"id", "ada"}, {"meta", {{"role", "editor"}, {"groups", {"staff", "night"}}, {"level", 3}}}}},
                 {"action", "doc.write"},
                 {"resource", "doc:17"},
                 {"meta", {{"owner", "ada"}, {"size", 2.5}}}};

// The value as JSON, or what is wrong.
std::string value(const std::string& text) {
  std::string why;
  const auto parsed = expression::parse(text, why);
  if (!parsed)
    return "cannot be read: " + why;
  const auto result = parsed->evaluate(facts, why);
  return result ? result->dump() : "cannot be told: " + why;
}

} // namespace

SCENARIO("conditions over facts", "[config][expression]") {
  CHECK(value("actor.id == meta.owner") == "true");
  CHECK(value("actor.meta.role == 'editor' && resource startsWith \"doc:\"") == "true");
  CHECK(value("actor.meta.role == \"admin\" or \"staff\" in actor.meta.groups") == "true");
  CHECK(value("'nobody' not in actor.meta.groups and not (action == 'doc.read')") == "true");
  CHECK(value("action in ['doc.read', 'doc.list']") == "false");
  CHECK(value("actor[\"meta\"].groups[1]") == "\"night\"");
  CHECK(value("len(actor.meta.groups) * 2 + actor.meta.level >= 7") == "true");
  CHECK(value("actor.meta.level > 2 ? 'high' : 'low'") == "\"high\"");
  CHECK(value("upper(actor.id) + '!'") == "\"ADA!\"");
  CHECK(value("actor.meta.groups contains 'night'") == "true");
  CHECK(value("resource endsWith '17' && resource contains ':'") == "true");
  CHECK(value("-meta.size % 2") == "-0.5");
  CHECK(value("!true || 1 + 2 * 3 == 7") == "true");
}

SCENARIO("a fact that is not there is nil", "[config][expression]") {
  CHECK(value("nobody") == "null");
  CHECK(value("actor.nothing.at.all == nil") == "true");
  CHECK(value("actor?.nothing == 'x'") == "false");
  CHECK(value("actor.meta.groups[9] == nil") == "true");
  CHECK(value("'x' in actor.nothing") == "false");
  CHECK(value("actor.nothing > 3") == "cannot be told: \">\" between nil and a number");
}

SCENARIO("what is wrong is said with its place", "[config][expression]") {
  CHECK(value("") == "cannot be read: ends where a value is expected");
  CHECK(value("actor.id ==") == "cannot be read: ends where a value is expected");
  CHECK(value("actor.id = 1") == "cannot be read: unexpected \"=\" at column 10");
  CHECK(value("(1 + 2") == "cannot be read: expected \")\" at column 7");
  CHECK(value("'open") == "cannot be read: the text that begins at column 1 has no end");
  CHECK(value("exec('x')") ==
        "cannot be read: unknown function \"exec\"; there is: len, lower, upper, string");
  CHECK(value(std::string(100, '(')) == "cannot be read: is nested deeper than 64 levels");
  CHECK(value("'" + std::string(5000, 'x') + "'") == "cannot be read: is longer than 4096 bytes");
  CHECK(value("1 < 'a'") == "cannot be told: \"<\" between a number and a text");
  CHECK(value("1 / 0") == "cannot be told: a division by zero");
  CHECK(value("actor && true") == "cannot be told: a table where true or false is expected");
}

SCENARIO("only true holds", "[config][expression]") {
  std::string why;
  CHECK(expression::parse("1", why)->holds(facts, why) == false);
  CHECK(expression::parse("actor.id == 'ada'", why)->holds(facts, why) == true);
  CHECK_FALSE(expression::parse("actor.id < 1", why)->holds(facts, why).has_value());
}
