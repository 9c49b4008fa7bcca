#include "runtime/config/kinds/catalogue.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/source/config_value.hpp"
#include "tests/catch.hpp"

#include <algorithm>
#include <set>

using namespace natterjack::runtime;

namespace {

void check_definition(const field& f, const std::string& path) {
  INFO(path);
  CHECK_FALSE(f.doc.empty());
  CHECK_FALSE(expectation(f).empty());
  CHECK((f.type != field_type::choice || f.words.size() > 1));
  CHECK((f.type != field_type::reference || !f.words.empty()));
  for (const auto& word : f.words)
    if (f.type == field_type::reference || f.type == field_type::reference_list)
      CHECK(find_kind(word) != nullptr);
  if (!f.default_text.empty() && f.default_text != "off") {
    auto value = typed_scalar(f.default_text);
    value.set_loose(true);
    switch (f.type) {
    case field_type::time:
      REQUIRE(value.as_duration());
      CHECK(std::chrono::duration<double>(*value.as_duration()).count() >= f.min);
      break;
    case field_type::bytes:
      REQUIRE(value.as_bytes());
      CHECK(static_cast<double>(*value.as_bytes()) >= f.min);
      CHECK(static_cast<double>(*value.as_bytes()) <= f.max);
      break;
    case field_type::integer:
      REQUIRE(value.as_integer());
      CHECK((f.can_be_off || static_cast<double>(*value.as_integer()) >= f.min));
      CHECK(static_cast<double>(*value.as_integer()) <= f.max);
      break;
    case field_type::real:
      REQUIRE(value.as_real());
      break;
    case field_type::boolean:
      REQUIRE(value.as_bool());
      break;
    case field_type::choice:
      CHECK(std::find(f.words.begin(), f.words.end(), f.default_text) != f.words.end());
      break;
    default:
      CHECK(value.as_text() != nullptr);
    }
  }
  std::set<std::string> names;
  for (const auto& inner : f.fields) {
    CHECK(names.insert(inner.name).second);
    check_definition(inner, path + '.' + inner.name);
  }
}

} // namespace

SCENARIO("every definition of a kind is whole", "[config][schema]") {
  std::set<std::string> names;
  for (const auto& kind : kinds()) {
    INFO(kind.name);
    CHECK(names.insert(kind.name).second);
    CHECK((!kind.is_built || !kind.doc.empty()));
    for (const auto& f : kind.fields)
      check_definition(f, kind.name + ' ' + f.name);
    for (const auto& f : kind.meta)
      check_definition(f, kind.name + " meta." + f.name);
  }
}

SCENARIO("fields are found by path", "[config][schema]") {
  const auto* service = find_kind("http.service");
  REQUIRE(service != nullptr);
  REQUIRE(find_field(*service, "limits.ping_interval") != nullptr);
  CHECK(find_field(*service, "limits.ping_interval")->default_text == "25s");
  CHECK(find_field(*service, "limits.nothing") == nullptr);
  CHECK(find_field(*service, "addr.x") == nullptr);
  CHECK(find_field(*find_kind("http.endpoint"), "meta.router") != nullptr);
  CHECK(find_field(*find_kind("http.endpoint"), "router") == nullptr);
}

SCENARIO("names of the catalogue stand once", "[config][schema]") {
  for (const auto* all : {&known_modules(), &known_middleware(), &known_middleware_options()}) {
    std::set<std::string_view> names;
    for (const auto& item : *all)
      CHECK(names.insert(item.name).second);
  }
  CHECK(find_item(known_modules(), "json")->is_available);
  CHECK_FALSE(find_item(known_modules(), "excel")->is_available);
  CHECK(find_item(known_modules(), "jsn") == nullptr);
}
