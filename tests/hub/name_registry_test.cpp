#include "hub/name_registry.hpp"
#include "tests/catch.hpp"

#include <chrono>
#include <ctime>

using namespace natterjack::hub;

namespace {

const host_name host{"here", "app:host", "{here@app:host|0x"};
const pid alice(&host, 1);
const pid bob(&host, 2);
const pid carol(&host, 3);

// Three who live.
struct registry {
  directory processes;
  name_registry names{processes};
  registry() {
    for (const auto& who : {alice, bob, carol})
      processes.enter(who, nullptr, nullptr);
  }
};

std::chrono::nanoseconds spent() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

} // namespace

SCENARIO_METHOD(registry, "the first process to take a name holds it", "[hub][name_registry]") {
  REQUIRE(names.add("hub", alice) == register_result::registered);
  CHECK(names.add("hub", alice) == register_result::registered);
  CHECK(names.add("hub", bob) == register_result::taken);
  CHECK(names.lookup("hub") == alice);
  CHECK_FALSE(names.lookup("nobody"));
}

SCENARIO_METHOD(registry, "names are released when their process ends", "[hub][name_registry]") {
  names.add("one", alice);
  names.add("two", alice);
  names.add("three", bob);
  names.remove_all(alice);
  CHECK_FALSE(names.lookup("one"));
  CHECK(names.names_of(alice).empty());
  CHECK(names.lookup("three") == bob);
  CHECK(names.add("one", bob) == register_result::registered);
}

SCENARIO_METHOD(registry, "a process holds a limited number of names", "[hub][name_registry]") {
  CHECK(names.add("a", alice, 2) == register_result::registered);
  CHECK(names.add("b", alice, 2) == register_result::registered);
  CHECK(names.add("c", alice, 2) == register_result::too_many);
  CHECK(names.remove("a"));
  CHECK_FALSE(names.remove("a"));
  CHECK(names.add("c", alice, 2) == register_result::registered);
}

SCENARIO_METHOD(registry, "names go over to a successor at once, and only those it was given", "[hub][name_registry]") {
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

SCENARIO_METHOD(registry, "who watches a name is told once when it is taken", "[hub][name_registry]") {
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

SCENARIO_METHOD(registry, "a process that has ended takes no name", "[hub][name_registry]") {
  processes.erase(alice.number());
  names.remove_all(alice);
  CHECK(names.add("hub", alice) == register_result::no_process);
  CHECK_FALSE(names.lookup("hub"));
  CHECK(names.add("hub", bob) == register_result::registered);
  names.hand_over({"hub"}, bob, alice);
  CHECK(names.lookup("hub") == bob);
  names.hand_over({"hub"}, bob, carol);
  CHECK(names.lookup("hub") == carol);
}

// Who waits for one name may be ten thousands, and may all give up at once.
SCENARIO_METHOD(registry, "one who watches no more costs the same however many watch",
                "[hub][name_registry]") {
  constexpr int many = 20'000;
  int told = 0;
  std::vector<uint64_t> numbers;
  const auto began = spent();
  for (int i = 0; i < many; ++i)
    numbers.push_back(names.watch("hub", [&told](const pid&) { ++told; }));
  const auto watched = spent();
  for (int i = many - 2; i >= 0; --i) // the last stays
    names.unwatch(numbers[static_cast<size_t>(i)]);
  CHECK(spent() - watched < 20 * (watched - began));
  names.unwatch(numbers.front()); // again: nothing
  names.add("hub", alice);
  CHECK(told == 1);
}
