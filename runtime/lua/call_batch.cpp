#include "runtime/lua/call_batch.hpp"

#include "hub/wake_list.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <algorithm>
#include <chrono>
#include <iterator>
#include <utility>
#include <vector>

namespace natterjack::runtime::lua {

namespace {

using clock = std::chrono::steady_clock;

constexpr auto together_for = std::chrono::microseconds(300); // then others get their turn
constexpr size_t part_min = 8; // calls for which another thread is woken

// What is made ready to run is run by us, as a thread of the scheduler would.
class in_place final : public caf::execution_unit {
 public:
  explicit in_place(caf::actor_system& system) : caf::execution_unit(&system) {}

  void exec_later(caf::resumable* what) override {
    if (is_starting_)
      ready_.push_back(what);
    else
      scheduler_->exec_later(what);
  }

  void run(const call_start& start, caf::execution_unit& scheduler) {
    scheduler_ = &scheduler;
    is_starting_ = true;
    start(this);
    is_starting_ = false;
    for (auto* what : std::exchange(ready_, {}))
      if (what->resume(this, 1) == caf::resumable::resume_later)
        scheduler.exec_later(what);
      else
        intrusive_ptr_release(what);
  }

 private:
  caf::execution_unit* scheduler_ = nullptr;
  bool is_starting_ = false;
  std::vector<caf::resumable*> ready_;
};

void enqueue(caf::actor_system& system, std::vector<call_start> calls, size_t calls_a_part);

class call_batch final : public caf::resumable, public caf::ref_counted {
 public:
  explicit call_batch(std::vector<call_start> calls) noexcept : calls_(std::move(calls)) {}

  resume_result resume(caf::execution_unit* scheduler, size_t) override {
    // Of the thread, since an actor remembers who has run it last.
    thread_local in_place unit(scheduler->system());
    const hub::wake_list::scope together; // the clients' threads are woken once
    const auto begun = clock::now();
    auto next = calls_.begin();
    while (next != calls_.end() && clock::now() - begun < together_for)
      unit.run(*next++, *scheduler);
    if (next != calls_.end()) // perhaps they are all slow: whoever has time helps
      enqueue(scheduler->system(),
              {std::make_move_iterator(next), std::make_move_iterator(calls_.end())}, 1);
    return done;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  std::vector<call_start> calls_;
};

void enqueue(caf::actor_system& system, std::vector<call_start> calls, size_t calls_a_part) {
  auto& scheduler = system.scheduler();
  const auto parts = std::clamp(calls.size() / calls_a_part, size_t{1}, scheduler.num_workers());
  for (size_t i = 0; i < parts; ++i) {
    const auto at = [&calls, parts](size_t part) {
      return std::make_move_iterator(calls.begin()) +
             static_cast<std::ptrdiff_t>(calls.size() * part / parts);
    };
    scheduler.enqueue(new call_batch({at(i), at(i + 1)}));
  }
}

// Of one thread: what waits for the end of its turn.
class waiting_calls final : public hub::wakeable {
 public:
  void add(caf::actor_system& system, hub::wake_list& turn, call_start one) {
    system_ = &system;
    calls_.push_back(std::move(one));
    turn.add(*this);
  }

  void wake() noexcept override {
    auto calls = std::exchange(calls_, {});
    if (calls.size() == 1)
      calls.front()(nullptr);
    else
      enqueue(*system_, std::move(calls), part_min);
  }

 private:
  caf::actor_system* system_ = nullptr;
  std::vector<call_start> calls_;
};

} // namespace

void start_in_turn(caf::actor_system& system, call_start start) {
  auto* turn = hub::wake_list::current();
  if (turn == nullptr) {
    start(nullptr);
    return;
  }
  thread_local waiting_calls here;
  here.add(system, *turn, std::move(start));
}

} // namespace natterjack::runtime::lua
