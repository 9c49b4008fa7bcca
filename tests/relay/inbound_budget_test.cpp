#include "relay/inbound_budget.hpp"
#include "relay/pinned_actor.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <caf/make_counted.hpp>
#include <caf/send.hpp>

#include <atomic>

using namespace natterjack;
using namespace natterjack::relay;

namespace {

class sleeper final : public pinned_actor {
 public:
  std::atomic<int> wakes{0};
  sleeper(caf::actor_config& config, io_thread& thread, hub::node& node)
      : pinned_actor(config, thread, node, node.host("app:sleeper")) {
    enter(ctrl());
  }
  caf::behavior make_behavior() override {
    return {[](int) {}};
  }
  void accept(const hub::message_ptr&) override {}
  void on_wake() override { ++wakes; }
  void on_exit() override { hub::process::leave(); }
};

} // namespace

SCENARIO_METHOD(io_fixture, "a connection that used its budget is woken once there is room",
                "[relay][inbound_budget]") {
  auto actor = system.spawn<sleeper>(std::ref(thread), std::ref(home));
  auto& self = *static_cast<sleeper*>(caf::actor_cast<caf::abstract_actor*>(actor));
  gateway_limits limits;
  limits.inbound_messages = 2;
  limits.inbound_bytes = 100;
  auto budget = caf::make_counted<pinned_budget>(self, self.ctrl(), limits);
  GIVEN("two messages taken of two") {
    auto first = budget->take(10);
    CHECK(budget->has_room());
    auto second = budget->take(10);
    CHECK_FALSE(budget->has_room());
    WHEN("one comes back") {
      first.give_back();
      on_thread([] {});
      THEN("the owner is woken, once") {
        CHECK(self.wakes == 1);
        second.give_back();
        on_thread([] {});
        CHECK(self.wakes == 1);
      }
    }
  }
  GIVEN("the bytes used up by one message") {
    auto big = budget->take(100);
    CHECK_FALSE(budget->has_room());
    big.give_back();
    on_thread([] {});
    CHECK(self.wakes == 1);
    CHECK(budget->has_room());
  }
  caf::anon_send_exit(actor, caf::exit_reason::kill);
}
