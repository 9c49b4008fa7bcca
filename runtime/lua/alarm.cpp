#include "runtime/lua/alarm.hpp"

#include "hub/node.hpp"
#include "runtime/lua/engine/timer_service.hpp"
#include "runtime/lua/lua_runtime.hpp"

#include <caf/all.hpp>

namespace natterjack::runtime::lua {

namespace {

// A class, since CAF looks behind a null pointer for the arguments of a function that has none.
class bell final : public caf::event_based_actor {
 public:
  bell(caf::actor_config& config, std::function<void()> ring)
      : caf::event_based_actor(config), ring_(std::move(ring)) {}

  const char* name() const override { return "bell"; }
  caf::behavior make_behavior() override {
    return {[this](timer_due_atom) { ring_(); }};
  }

 private:
  std::function<void()> ring_;
};

} // namespace

// Hidden: the end of the program does not wait for it.
alarm::alarm(lua_runtime& runtime, std::function<void()> ring)
    : timers_(runtime.timers()),
      bell_(caf::actor_cast<caf::strong_actor_ptr>(
          runtime.node().system().spawn<bell, caf::hidden>(std::move(ring)))) {}

alarm::~alarm() {
  timers_.forget(number());
  caf::anon_send_exit(caf::actor_cast<caf::actor>(bell_), caf::exit_reason::user_shutdown);
}

void alarm::set(int64_t due_ns) { timers_.set(number(), bell_.get(), due_ns); }

// Timers are by the numbers of PIDs, which are counted from below.
uint64_t alarm::number() const noexcept { return UINT64_MAX - bell_->id(); }

} // namespace natterjack::runtime::lua
