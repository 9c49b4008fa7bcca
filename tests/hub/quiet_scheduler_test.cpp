#include "hub/quiet_scheduler.hpp"

#include "tests/catch.hpp"

#include <caf/all.hpp>

using namespace natterjack;
using namespace std::chrono_literals;

namespace {

using tick = caf::atom_constant<caf::atom("tick")>;

struct quiet_config : caf::actor_system_config {
  quiet_config() {
    set("scheduler.max-threads", size_t{1});
    module_factories.emplace_back(hub::make_quiet_scheduler);
  }
};

struct quiet_fixture {
  quiet_config config;
  caf::actor_system system{config};
  caf::scoped_actor self{system};
};

} // namespace

TEST_CASE_METHOD(quiet_fixture, "actors run, end, and are heard of", "[hub][scheduler]") {
  CHECK(system.scheduler().num_workers() == 1);
  for (int i = 0; i < 100; ++i) {
    auto echo = self->spawn<caf::monitored>([](caf::event_based_actor* me) -> caf::behavior {
      return {[me](int x) {
        me->quit();
        return x + 1;
      }};
    });
    int answer = 0;
    self->request(echo, 10s, i).receive([&answer](int x) { answer = x; },
                                        [](const caf::error&) { FAIL("no answer"); });
    CHECK(answer == i + 1);
    self->receive([](const caf::down_msg& down) { CHECK_FALSE(down.reason); });
  }
}

TEST_CASE_METHOD(quiet_fixture, "time-outs and messages for later come", "[hub][scheduler]") {
  auto deaf = system.spawn([](caf::event_based_actor*) -> caf::behavior {
    return {[](int) { return caf::skip(); }};
  });
  self->delayed_send(self, 10ms, tick::value);
  self->receive([](tick) {}, caf::after(10s) >> [] { FAIL("nothing came"); });
  bool is_late = false;
  self->request(deaf, 10ms, 1).receive([](int) { FAIL("answered"); },
                                       [&is_late](const caf::error&) { is_late = true; });
  CHECK(is_late);
  // One that waits for a time-out of its own, and one that ends before it.
  for (const bool ends_first : {false, true}) {
    const auto wait = ends_first ? std::chrono::milliseconds(1h) : 10ms;
    auto waiting = self->spawn<caf::monitored>([wait](caf::event_based_actor* me) -> caf::behavior {
      return {[me](int) { me->quit(caf::exit_reason::kill); },
              caf::after(wait) >> [me] { me->quit(); }};
    });
    if (ends_first)
      self->send(waiting, 1);
    self->receive([ends_first](const caf::down_msg& down) {
      CHECK(static_cast<bool>(down.reason) == ends_first);
    });
  }
  caf::anon_send_exit(deaf, caf::exit_reason::kill);
}
