#include "runtime/config/nearest.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/source/config_value.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

#include <cmath>

using namespace natterjack::runtime;

SCENARIO("addresses have a host and a port", "[config][address]") {
  CHECK(parse_address("127.0.0.1:8082") == network_address{"127.0.0.1", 8082});
  CHECK(parse_address(":8082") == network_address{"", 8082});
  CHECK(parse_address("localhost:0") == network_address{"localhost", 0});
  CHECK(parse_address("[::1]:65535") == network_address{"::1", 65535});
  CHECK(parse_address("chat.example.org:80") == network_address{"chat.example.org", 80});
  for (const char* wrong : {"", "8082", "localhost", ":", "a:", "a:65536", "a:-1", "a:8o", "::1:80",
                            "[::1]", "[x]:80", "256.0.0.1:80", "1.2.3:80", "a b:80", "a/b:80"}) {
    INFO(wrong);
    std::string why;
    CHECK_FALSE(parse_address(wrong, &why));
    CHECK_FALSE(why.empty());
  }
  CHECK(to_string(network_address{"::1", 80}) == "[::1]:80");
  CHECK(to_string(network_address{"", 80}) == ":80");
}

SCENARIO("text without quotes is typed by YAML 1.2", "[config][value]") {
  CHECK(typed_scalar("~").is_null());
  CHECK(typed_scalar("").is_null());
  CHECK(typed_scalar("null").is_null());
  CHECK(typed_scalar("true").as_bool() == true);
  CHECK(typed_scalar("False").as_bool() == false);
  CHECK(typed_scalar("12").as_integer() == 12);
  CHECK(typed_scalar("-12").as_integer() == -12);
  CHECK(typed_scalar("0x1F").as_integer() == 31);
  CHECK(typed_scalar("0o17").as_integer() == 15);
  CHECK(typed_scalar("1e3").as_real() == 1000.0);
  CHECK(typed_scalar("-.5").as_real() == -0.5);
  CHECK(std::isinf(*typed_scalar("-.inf").as_real()));
  CHECK(std::isnan(*typed_scalar(".nan").as_real()));
  for (const char* text :
       {"yes", "off", "1.2.3", "0x", "--1", "+-1", "1_000", "nan", "12a", ".", "-"}) {
    INFO(text);
    REQUIRE(typed_scalar(text).as_text() != nullptr);
    CHECK(*typed_scalar(text).as_text() == text);
  }
}

SCENARIO("a value answers only as what it is", "[config][value]") {
  const auto number = typed_scalar("5");
  CHECK_FALSE(number.as_bool());
  CHECK(number.as_text() == nullptr);
  CHECK(number.items().empty());
  CHECK(number.members().empty());
  CHECK(number.find("a") == nullptr);
  CHECK(config_value::text("true").as_bool() == std::nullopt);

  GIVEN("a tree") {
    auto tree = config_value::map(1);
    tree.put("a", config_value::map(2)).put("b", config_value::integer(7, 3));
    tree.put("list", config_value::list()).items().push_back(config_value::boolean(true));
    tree.put("text", config_value::text("x"));
    THEN("paths lead into it") {
      REQUIRE(tree.find_path("a.b") != nullptr);
      CHECK(tree.find_path("a.b")->line() == 3);
      CHECK(tree.find_path("a.c") == nullptr);
      CHECK(tree.find_path("text.c") == nullptr);
    }
    THEN("it becomes JSON") {
      CHECK(tree.to_json() == nlohmann::json::parse(R"({"a":{"b":7},"list":[true],"text":"x"})"));
    }
    THEN("a copy is its own") {
      auto copy = tree;
      copy.find("a")->put("b", config_value::text("changed"));
      CHECK(tree.find_path("a.b")->as_integer() == 7);
    }
  }
}

SCENARIO("the nearest right word is found", "[config][nearest]") {
  CHECK(edit_distance("methd", "method") == 1);
  CHECK(edit_distance("mehtod", "method") == 1);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "abc") == 0);
  CHECK(nearest("methd", {"kind", "method", "meta"}) == "method");
  CHECK(nearest("Method", {"method"}) == "method");
  CHECK(nearest("banana", {"kind", "method"}).empty());
  CHECK(nearest(std::string(100'000, 'x'), {"method"}).empty());
  CHECK(did_you_mean("get", {"GET", "PUT"}) == " (did you mean \"GET\"?)");
  CHECK(did_you_mean("zzz", {"GET", "PUT"}).empty());
}
