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
