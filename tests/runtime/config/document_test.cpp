#include "runtime/config/source/document.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

using namespace natterjack::runtime;

namespace {

std::string repeated(const std::string& text, size_t times) {
  std::string made;
  for (size_t i = 0; i < times; ++i)
    made += text;
  return made;
}

config_value good_yaml(const std::string& text, const document_limits& limits = {}) {
  auto read = read_yaml(text, limits);
  INFO(read.error.message);
  REQUIRE(read.value);
  return read.value->root;
}

document_error bad_yaml(const std::string& text, const document_limits& limits = {}) {
  auto read = read_yaml(text, limits);
  REQUIRE_FALSE(read.value);
  return read.error;
}

document_error bad_json(const std::string& text, const document_limits& limits = {}) {
  auto read = read_json(text, limits);
  REQUIRE_FALSE(read.value);
  return read.error;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

SCENARIO("YAML becomes a tree with lines", "[config][document]") {
  const auto root = good_yaml("a: 1\n"
                              "b:\n"
                              "  - yes\n"
                              "  - \"5\"\n"
                              "  - {c: true}\n"
                              "d: |\n"
                              "  first\n"
                              "  second\n"
                              "e:\n");
  CHECK(root.find("a")->as_integer() == 1);
  CHECK(root.find_member("b")->line == 2);
  CHECK(root.find("b")->items()[0].line() == 3);
  CHECK(*root.find("b")->items()[1].as_text() == "5");
  CHECK(root.find("b")->items()[2].find("c")->as_bool() == true);
  CHECK(*root.find("d")->as_text() == "first\nsecond\n");
  CHECK(root.find("d")->is_block());
  CHECK(root.find("d")->line() == 6);
  CHECK(root.find("e")->is_null());
  CHECK(root.members()[0].key == "a");
  CHECK(root.members()[3].key == "e");
}

SCENARIO("aliases and merges are followed", "[config][document]") {
  const auto root = good_yaml("base: &base {x: 1, y: 2}\n"
                              "copy: *base\n"
                              "more:\n"
                              "  <<: *base\n"
                              "  y: 3\n"
                              "two: {<<: [{x: 4}, *base]}\n");
  CHECK(root.find_path("copy.y")->as_integer() == 2);
  CHECK(root.find_path("more.x")->as_integer() == 1);
  CHECK(root.find_path("more.y")->as_integer() == 3);
  CHECK(root.find_path("two.x")->as_integer() == 4);
  CHECK(root.find_path("two.y")->as_integer() == 2);
  CHECK(bad_yaml("a: {<<: 5}").message == "\"<<\" needs a map or a list of maps");
  CHECK(bad_yaml("a: &a [1, *a]").message == "an alias stands inside the value it refers to");
  CHECK(bad_yaml("a: 1\nb: *c\n").line == 2);
}

SCENARIO("what is no YAML is refused with its line", "[config][document]") {
  auto broken = bad_yaml("a: 1\nb: [1, 2\nc: 3\n");
  CHECK(broken.line >= 2);
  CHECK(holds(broken.message, "is not YAML: "));
  CHECK(bad_yaml("a: 1\n\tb: 2\n").line == 2);
  CHECK(holds(bad_yaml("a: 1\n\tb: 2\n").message, "found a tab in the indentation"));
  CHECK(holds(bad_yaml("a:\n  - b: 2\n \t- c\n").message, "found a tab in the indentation"));
  CHECK(bad_yaml("a: 1\nb: \"\xFF\"\n").message == "is not UTF-8");
  CHECK(bad_yaml("a: 1\nb: \"\xFF\"\n").line == 2);
  CHECK(holds(bad_yaml("? [a, b]\n: 1\n").message, "stands as a key"));
}

SCENARIO("a repeated key names both lines", "[config][document]") {
  auto twice = bad_yaml("a:\n  b: 1\n  c: 2\n  b: 3\n");
  CHECK(twice.line == 4);
  CHECK(twice.message == "key \"b\" stands twice in one map, first in line 2");
  CHECK(bad_json("{\"a\": 1,\n\"a\": 2}").line == 2);
}

SCENARIO("nesting has a bound", "[config][document]") {
  const auto nested = [](size_t levels) {
    return repeated("[", levels) + repeated("]", levels);
  };
  CHECK(read_yaml(nested(63)).value);
  CHECK(read_yaml(nested(64)).value);
  CHECK(holds(bad_yaml(nested(65)).message, "deeper than 64 levels"));
  CHECK(read_json(nested(64)).value);
  CHECK(holds(bad_json(nested(65)).message, "deeper than 64 levels"));
  CHECK_FALSE(read_yaml(repeated("- ", 500'000)).value);
  CHECK_FALSE(read_yaml(repeated("[", 500'000)).value);
  CHECK_FALSE(read_json(repeated("[", 500'000)).value);
  AND_THEN("aliases do not go around it") {
    // 32 levels in the anchor, then the alias at depth 32 and 33 below the root.
    const std::string anchor = "a: &a " + nested(32) + "\nb: ";
    CHECK(read_yaml(anchor + repeated("[", 31) + "*a" + repeated("]", 31)).value);
    CHECK(holds(bad_yaml(anchor + repeated("[", 32) + "*a" + repeated("]", 32)).message,
                "an alias nests deeper"));
  }
}

SCENARIO("an alias bomb does not go off", "[config][document]") {
  document_limits limits;
  limits.nodes = 24; // root, four lists, 3 + 3 * 4 + … values
  // a: 4 values with its list; b: 1 + 3 * 4 = 13; the root makes 18.
  const std::string two = "a: &a [1, 1, 1]\nb: &b [*a, *a, *a]\n";
  CHECK(read_yaml(two, limits).value);
  limits.nodes = 18;
  CHECK(read_yaml(two, limits).value);
  limits.nodes = 17;
  auto over = bad_yaml(two, limits);
  CHECK(over.line == 2);
  CHECK(holds(over.message, "more than 17 values once its aliases are followed"));

  std::string bomb = "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\n";
  for (char name = 'b'; name <= 'z'; ++name) {
    const std::string before(1, static_cast<char>(name - 1));
    bomb += std::string(1, name) + ": &" + name + " [" + repeated("*" + before + ", ", 9) + '*' +
            before + "]\n";
  }
  CHECK(holds(bad_yaml(bomb).message, "values once its aliases are followed"));
  AND_THEN("nor does one of long texts") {
    const std::string text =
        "a: &a " + std::string(500'000, 'x') + "\nb: [" + repeated("*a, ", 100) + "*a]\n";
    CHECK(holds(bad_yaml(text).message, "bytes of text"));
  }
}

SCENARIO("a second document and unknown tags are noted", "[config][document]") {
  auto read = read_yaml("a: 1\n---\nb: 2\n");
  REQUIRE(read.value);
  CHECK(read.value->second_line == 2);
  CHECK(read.value->root.find("b") == nullptr);
  CHECK(read_yaml("---\na: 1\n").value->second_line == 0);
  auto tagged = read_yaml("a: 1\nb: !include x.yaml\n");
  REQUIRE(tagged.value);
  CHECK(tagged.value->unknown_tag == "!include");
  CHECK(tagged.value->unknown_tag_line == 2);
  CHECK(read_yaml("a: 'b'\nc: \"d\"\ne: [f, {g: 1}]\n").value->unknown_tag_line == 0);
  for (const char* text : {"a: !!python/object b\n", "!!timestamp a: 5\n", "a: !!set {b}\n",
                           "a: !<tag:x,2000:y> 5\n"}) {
    INFO(text);
    CHECK(read_yaml(text).value->unknown_tag_line == 1);
  }
  CHECK(read_yaml("a: !!set {b}\n").value->unknown_tag == "!!set");
  for (const char* text : {"a: !!str 5\n", "!!str a: 5\n", "a: !!seq [1]\n", "!!map {a: 1}\n",
                           "a: !!int \"5\"\n"}) {
    INFO(text);
    CHECK(read_yaml(text).value->unknown_tag_line == 0);
  }
  CHECK(*read_yaml("a: !!str 5\n").value->root.find("a")->as_text() == "5");
}

SCENARIO("JSON becomes the same tree", "[config][document]") {
  auto read =
      read_json("{\"a\": 1,\n \"b\": [true,\n  2\n, \"x\\u00e9\"],\n \"c\": null, \"d\": 1.5e1}\n");
  REQUIRE(read.value);
  const auto& root = read.value->root;
  CHECK(root.find("a")->line() == 1);
  CHECK(root.find_member("b")->line == 2);
  CHECK(root.find("b")->items()[1].line() == 3);
  CHECK(*root.find("b")->items()[2].as_text() == "xé");
  CHECK(root.find("c")->is_null());
  CHECK(root.find("d")->as_real() == 15.0);
  CHECK(bad_json("{\"a\": 1,\n\"b\": x}").line == 2);
  CHECK(bad_json("{\"a\": 1,\n").message == "is not JSON: ends too early");
  CHECK_FALSE(read_json("{} {}").value);
}
