#include "hub/name_registry.hpp"
#include "tests/catch.hpp"

using namespace natterjack::hub;

namespace {

const host_name host{"here", "app:host", "{here@app:host|0x"};
const pid alice(&host, 1);
const pid bob(&host, 2);

} // namespace

SCENARIO("the first process to take a name holds it", "[hub][name_registry]") {
  name_registry names;
  REQUIRE(names.add("hub", alice) == register_result::registered);
  CHECK(names.add("hub", alice) == register_result::registered);
  CHECK(names.add("hub", bob) == register_result::taken);
  CHECK(names.lookup("hub") == alice);
  CHECK_FALSE(names.lookup("nobody"));
}

SCENARIO("names are released when their process ends", "[hub][name_registry]") {
  name_registry names;
  names.add("one", alice);
  names.add("two", alice);
  names.add("three", bob);
  names.remove_all(alice);
  CHECK_FALSE(names.lookup("one"));
  CHECK(names.names_of(alice).empty());
  CHECK(names.lookup("three") == bob);
  CHECK(names.add("one", bob) == register_result::registered);
}

SCENARIO("a process holds a limited number of names", "[hub][name_registry]") {
  name_registry names;
  CHECK(names.add("a", alice, 2) == register_result::registered);
  CHECK(names.add("b", alice, 2) == register_result::registered);
  CHECK(names.add("c", alice, 2) == register_result::too_many);
  CHECK(names.remove("a"));
  CHECK_FALSE(names.remove("a"));
  CHECK(names.add("c", alice, 2) == register_result::registered);
}

SCENARIO("names go over to a successor at once, and only those it was given", "[hub][name_registry]") {
  name_registry names;
  const pid carol(&host, 3);
  names.add("one", alice);
  names.add("two", alice);
  names.add("three", bob);
  names.hand_over({"one", "three", "none"}, alice, carol);
  CHECK(names.lookup("one") == carol);
  CHECK(names.lookup("two") == alice);
  CHECK(names.lookup("three") == bob);
  names.remove_all(alice);
  CHECK(names.lookup("one") == carol);
  CHECK_FALSE(names.lookup("two"));
  CHECK(names.names_of(carol) == std::vector<std::string>{"one"});
}

SCENARIO("who watches a name is told once when it is taken", "[hub][name_registry]") {
  name_registry names;
  std::vector<pid> told;
  auto tell = [&told](const pid& holder) { told.push_back(holder); };
  const auto number = names.watch("hub", tell);
  CHECK(number != 0);
  names.add("other", bob);
  CHECK(told.empty());
  names.add("hub", alice);
  CHECK(told == std::vector{alice});
  names.remove("hub");
  names.add("hub", bob);
  CHECK(told.size() == 1);
  CHECK(names.watch("hub", tell) == 0); // held already: told at once
  CHECK(told.back() == bob);
  names.remove("hub");
  names.unwatch(names.watch("hub", tell));
  names.add("hub", alice);
  CHECK(told.size() == 2);
}
