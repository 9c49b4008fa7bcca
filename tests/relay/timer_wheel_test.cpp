#include "relay/timer_wheel.hpp"
#include "tests/catch.hpp"

#include <memory>
#include <vector>

using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

struct world {
  timer_wheel::clock::time_point now = timer_wheel::clock::now();
  timer_wheel wheel{now};
  void advance(std::chrono::milliseconds by) { wheel.advance(now += by); }
};

struct bell {
  int rung = 0;
  timer_wheel::timer timer{this, [](void* self) { ++static_cast<bell*>(self)->rung; }};
};

} // namespace

SCENARIO_METHOD(world, "a timer fires once, never early", "[relay][timer_wheel]") {
  bell b;
  wheel.set(b.timer, 100ms, now);
  advance(99ms);
  CHECK(b.rung == 0);
  advance(20ms);
  CHECK(b.rung == 1);
  CHECK(wheel.empty());
  advance(1h);
  CHECK(b.rung == 1);
}

SCENARIO_METHOD(world, "timers beyond one round wait for theirs", "[relay][timer_wheel]") {
  bell near, far;
  wheel.set(near.timer, 1s, now);
  wheel.set(far.timer, 41960ms + 1s, now);
  advance(2s);
  CHECK(near.rung == 1);
  CHECK(far.rung == 0);
  for (int i = 0; i < 39; ++i)
    advance(1s);
  CHECK(far.rung == 0);
  advance(3s);
  CHECK(far.rung == 1);
}

SCENARIO_METHOD(world, "timers are moved, cancelled and cancel each other", "[relay][timer_wheel]") {
  bell a;
  wheel.set(a.timer, 50ms, now);
  wheel.set(a.timer, 500ms, now);
  advance(100ms);
  CHECK(a.rung == 0);
  a.timer.cancel();
  CHECK_FALSE(a.timer.is_set());
  advance(1s);
  CHECK(a.rung == 0);

  auto victim = std::make_unique<bell>();
  struct killer {
    std::unique_ptr<bell>& target;
    timer_wheel::timer timer{this, [](void* self) { static_cast<killer*>(self)->target.reset(); }};
  } k{victim};
  wheel.set(victim->timer, 20ms, now);
  wheel.set(k.timer, 20ms, now);
  advance(100ms);
  CHECK(wheel.empty());
}

SCENARIO_METHOD(world, "a timer may set itself again", "[relay][timer_wheel]") {
  struct ticker {
    timer_wheel& wheel;
    timer_wheel::clock::time_point& now;
    int ticks = 0;
    timer_wheel::timer timer{this, [](void* self) {
                               auto& t = *static_cast<ticker*>(self);
                               if (++t.ticks < 5)
                                 t.wheel.set(t.timer, 10ms, t.now);
                             }};
  } t{wheel, now};
  wheel.set(t.timer, 10ms, now);
  for (int i = 0; i < 20; ++i)
    advance(10ms);
  CHECK(t.ticks == 5);
}

SCENARIO_METHOD(world, "the wheel knows when it has work next", "[relay][timer_wheel]") {
  bell a, b;
  wheel.set(a.timer, 700ms, now);
  wheel.set(b.timer, 300ms, now);
  CHECK(wheel.next() >= now + 300ms);
  CHECK(wheel.next() <= now + 320ms);
}
