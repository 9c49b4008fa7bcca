#include "runtime/lua/shared/process_call.hpp"

#include "lua_world.hpp"
#include "tests/catch.hpp"

#include <future>

using namespace test;
using namespace std::chrono_literals;

namespace {

struct started {
  caf::weak_actor_ptr who;
  std::future<lua::main_end> end;
};

started call(world& w, const std::string& body, std::chrono::nanoseconds deadline) {
  auto program = w.add("app:called", "function run() " + body + " end return {run = run}");
  auto ended = std::make_shared<std::promise<lua::main_end>>();
  lua::call_extras extras;
  extras.deadline = deadline;
  extras.done = [ended](lua::main_end& end) { ended->set_value(std::move(end)); };
  lua::failure why;
  auto made =
      lua::start_process_call(*w.runtime, program, "app:processes", {}, std::move(extras), why);
  INFO(why.text);
  REQUIRE(made);
  return {caf::actor_cast<caf::weak_actor_ptr>(made.actor), ended->get_future()};
}

} // namespace

SCENARIO("a process is called like a function", "[lua][process_call]") {
  world w;
  WHEN("it ends before its timeout") {
    auto made = call(w, "return 7", 1h);
    REQUIRE(made.end.wait_for(20s) == std::future_status::ready);
    CHECK(made.end.get().result.value.bytes() == "7");
    THEN("the timeout keeps nothing of it") {
      CHECK(w.wait_until([&made] { return made.who.lock() == nullptr; }));
    }
  }
  WHEN("it does not") {
    auto made = call(w, "channel.new():receive()", 50ms);
    REQUIRE(made.end.wait_for(20s) == std::future_status::ready);
    const auto end = made.end.get();
    CHECK(end.timed_out);
    CHECK(end.why.kind == lua::error_kind::timeout);
  }
}
