#include "runtime/metrics/scheduler_probe.hpp"

#include "hub/counters.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>

#include <chrono>

namespace natterjack::runtime {

namespace {

using look_atom = caf::atom_constant<caf::atom("look")>;
constexpr auto look_interval = std::chrono::seconds(1);

class probe final : public caf::event_based_actor {
 public:
  probe(caf::actor_config& config, std::function<void()> on_tick)
      : caf::event_based_actor(config), on_tick_(std::move(on_tick)) {}

  caf::behavior make_behavior() override {
    ask();
    return {[this](look_atom) {
      const auto late = std::chrono::steady_clock::now() - due_;
      hub::observe(hub::series::scheduler_delay,
                   static_cast<uint64_t>(std::max<int64_t>(
                       0, std::chrono::duration_cast<std::chrono::nanoseconds>(late).count())));
      if (on_tick_)
        on_tick_();
      ask();
    }};
  }

 private:
  void ask() {
    due_ = std::chrono::steady_clock::now() + look_interval;
    delayed_send(this, look_interval, look_atom::value);
  }

  std::function<void()> on_tick_;
  std::chrono::steady_clock::time_point due_;
};

} // namespace

caf::actor start_scheduler_probe(caf::actor_system& system, std::function<void()> on_tick) {
  return caf::actor_cast<caf::actor>(system.spawn<probe>(std::move(on_tick)));
}

} // namespace natterjack::runtime
