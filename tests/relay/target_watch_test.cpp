#include "relay/target_watch.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <chrono>
#include <deque>
#include <thread>
#include <utility>

using namespace natterjack;
using namespace natterjack::relay;

namespace {

struct probe final : target_watch {
  std::function<void()> when_down = [] {};
  int downs = 0;

 private:
  void on_target_down() override {
    ++downs;
    when_down();
  }
};

struct watch_fixture : io_fixture {
  caf::actor target = spawn();
  std::deque<probe> probes;

  ~watch_fixture() {
    on_thread([this] { probes.clear(); }); // they belong to the thread
    end(target);
  }

  /// Looks on the io thread until it holds, for at most ten seconds.
  bool eventually(const std::function<bool()>& holds) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    for (bool does = false; std::chrono::steady_clock::now() < deadline;) {
      on_thread([&does, &holds] { does = holds(); });
      if (does)
        return true;
      std::this_thread::yield();
    }
    return false;
  }

  caf::actor spawn() {
    return system.spawn([] { return caf::behavior{[](int) {}}; });
  }
  static caf::strong_actor_ptr pointer(const caf::actor& to) {
    return caf::actor_cast<caf::strong_actor_ptr>(to);
  }
  static void end(const caf::actor& who) { caf::anon_send_exit(who, caf::exit_reason::kill); }
};

} // namespace

SCENARIO_METHOD(watch_fixture, "all that watch a target hear of its end once", "[relay][watch]") {
  on_thread([this] {
    for (int i = 0; i < 100; ++i)
      probes.emplace_back().watch_target(thread, pointer(target));
    for (size_t i = 0; i < 100; i += 3)
      probes[i].unwatch_target();
  });
  end(target);
  REQUIRE(eventually([this] { return probes[1].downs > 0; })); // the last one that is told
  on_thread([this] {
    for (size_t i = 0; i < 100; ++i)
      CHECK(probes[i].downs == (i % 3 == 0 ? 0 : 1));
  });
}

SCENARIO_METHOD(watch_fixture, "a target that has ended already is told of", "[relay][watch]") {
  const auto gone = pointer(target);
  end(target);
  on_thread([this, &gone] { probes.emplace_back().watch_target(thread, gone); });
  CHECK(eventually([this] { return probes.front().downs == 1; }));
}

SCENARIO_METHOD(watch_fixture, "who is told may watch another target and end others",
                "[relay][watch]") {
  const auto next = spawn();
  on_thread([this, &next] {
    for (int i = 0; i < 3; ++i)
      probes.emplace_back().watch_target(thread, pointer(target));
    // The last one that began is told first.
    probes[2].when_down = [this, &next, is_told = false]() mutable {
      if (std::exchange(is_told, true))
        return;
      probes[1].unwatch_target();
      probes[2].watch_target(thread, pointer(next));
    };
  });
  end(target);
  REQUIRE(eventually([this] { return probes[0].downs > 0; })); // the last one that is told
  on_thread([this] {
    CHECK(probes[0].downs == 1);
    CHECK(probes[1].downs == 0);
    CHECK(probes[2].downs == 1);
  });
  end(next);
  CHECK(eventually([this] { return probes[2].downs == 2; }));
}
