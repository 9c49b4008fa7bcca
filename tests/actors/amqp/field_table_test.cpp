#include "actors/amqp/field_table.hpp"
#include "tests/catch.hpp"

#include <stdexcept>

using namespace natterjack::amqp;

namespace {

json_value parse(std::string_view text) {
  json_error error;
  return json_value::parse(text, error).value();
}

} // namespace

SCENARIO("integers take the smallest type", "[amqp][field_table]") {
  memory_pool pool;
  auto kind_of = [&pool](const char* number) {
    const auto object = parse(std::string(R"({"n":)") + number + "}");
    return static_cast<char>(to_table(object, pool).entries[0].value.kind);
  };
  CHECK(kind_of("127") == 'b');
  CHECK(kind_of("-128") == 'b');
  CHECK(kind_of("128") == 's');
  CHECK(kind_of("-32768") == 's');
  CHECK(kind_of("32768") == 'u');
  CHECK(kind_of("65536") == 'I');
  CHECK(kind_of("-2147483648") == 'I');
  CHECK(kind_of("2147483648") == 'i');
  CHECK(kind_of("4294967296") == 'l');
  CHECK(kind_of("-2147483649") == 'l');
  CHECK(kind_of("1.5") == 'd');
  CHECK(kind_of("null") == 'V');
  CHECK(kind_of("true") == 't');
  CHECK(kind_of("\"x\"") == 'S');
  CHECK(kind_of("[]") == 'A');
  CHECK(kind_of("{}") == 'F');
}

SCENARIO("keys are sorted on the wire, at every level", "[amqp][field_table]") {
  memory_pool pool;
  const auto object = parse(R"({"b":1,"a":{"z":[1,{"y":1,"x":2}],"q":null}})");
  std::string text;
  append_json(text, to_table(object, pool), number_style::strict);
  CHECK(text == R"({"a": {"q": null, "z": [1, {"x": 2, "y": 1}]}, "b": 1})");
}

SCENARIO("an unsigned 64-bit number is read as CLU's library reads it", "[amqp][field_table]") {
  amqp_field_value_t value{};
  value.kind = AMQP_FIELD_KIND_U64;
  value.value.u64 = uint64_t{1} << 63;
  std::string text;
  append_json(text, value, number_style::strict);
  CHECK(text == "-9223372036854775808");
}

SCENARIO("what AMQP cannot carry is refused", "[amqp][field_table]") {
  memory_pool pool;
  for (const char* object :
       {R"({"n":9223372036854775808})", R"({"n":NaN})", R"({"n":[1e999]})", R"({"n":"\ud800"})"})
    CHECK_THROWS_AS(to_table(parse(object), pool), std::invalid_argument);
  CHECK_NOTHROW(to_table(parse("{\"" + std::string(128, 'k') + "\":1}"), pool));
  CHECK_THROWS_AS(to_table(parse("{\"" + std::string(129, 'k') + "\":1}"), pool),
                  std::invalid_argument);
}

SCENARIO("of repeated entries the last counts, at the place of the first", "[amqp][field_table]") {
  amqp_table_entry_t entries[3]{};
  const char* names[] = {"a", "b", "a"};
  for (int i = 0; i < 3; ++i) {
    entries[i].key = bytes_of(names[i]);
    entries[i].value.kind = AMQP_FIELD_KIND_I32;
    entries[i].value.value.i32 = i;
  }
  std::string text;
  append_json(text, {3, entries}, number_style::strict);
  CHECK(text == R"({"a": 2, "b": 1})");
  CHECK(find({3, entries}, "a")->value.i32 == 2);
  CHECK(find({3, entries}, "c") == nullptr);
}
