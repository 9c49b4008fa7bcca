#include "runtime/lua/call_batch.hpp"

#include "hub/wake_list.hpp"

#include <caf/all.hpp>
#include <caf/scheduler/abstract_coordinator.hpp>

#include <utility>
#include <vector>

namespace natterjack::runtime::lua {

namespace {

struct addressed_call {
  caf::strong_actor_ptr worker;
  function_call_ptr call;
};

void send(addressed_call& one) {
  caf::anon_send(caf::actor_cast<caf::actor>(one.worker), std::move(one.call));
}

class call_batch final : public caf::resumable, public caf::ref_counted {
 public:
  explicit call_batch(std::vector<addressed_call> calls) noexcept : calls_(std::move(calls)) {}

  resume_result resume(caf::execution_unit*, size_t) override {
    for (auto& one : calls_)
      send(one);
    return done;
  }
  void intrusive_ptr_add_ref_impl() override { ref(); }
  void intrusive_ptr_release_impl() override { deref(); }

 private:
  std::vector<addressed_call> calls_;
};

// Of one thread: what waits for the end of its turn.
class waiting_calls final : public hub::wakeable {
 public:
  void add(caf::actor_system& system, hub::wake_list& turn, addressed_call one) {
    system_ = &system;
    calls_.push_back(std::move(one));
    turn.add(*this);
  }

  void wake() noexcept override {
    if (calls_.size() == 1) {
      send(calls_.front());
      calls_.clear();
    } else if (!calls_.empty()) {
      system_->scheduler().enqueue(new call_batch(std::exchange(calls_, {})));
    }
  }

 private:
  caf::actor_system* system_ = nullptr;
  std::vector<addressed_call> calls_;
};

} // namespace

void send_in_turn(caf::actor_system& system, caf::strong_actor_ptr worker, function_call_ptr call) {
  addressed_call one{std::move(worker), std::move(call)};
  auto* turn = hub::wake_list::current();
  if (turn == nullptr) {
    send(one);
    return;
  }
  thread_local waiting_calls here;
  here.add(system, *turn, std::move(one));
}

} // namespace natterjack::runtime::lua
