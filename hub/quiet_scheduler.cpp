#include "hub/quiet_scheduler.hpp"

#include <caf/all.hpp>
#include <caf/logger.hpp>

// For its log, which is compiled out, a worker finds out with every slice whose it is: two thousand instructions.
#undef CAF_PUSH_AID_FROM_PTR
#define CAF_PUSH_AID_FROM_PTR(some_ptr) static_cast<void>(0)

#include <caf/policy/work_sharing.hpp>
#include <caf/scheduler/coordinator.hpp>

#include <atomic>

namespace natterjack::hub {

namespace {

using caf::detail::thread_safe_actor_clock;

// Hands everything to the clock whose thread runs, but for what cannot have an effect.
class quiet_clock final : public thread_safe_actor_clock {
 public:
  explicit quiet_clock(thread_safe_actor_clock& real) : real_(real) {}

  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                            uint64_t id) override {
    is_used_ = true;
    real_.set_ordinary_timeout(t, self, type, id);
  }
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override {
    is_used_ = true;
    real_.set_request_timeout(t, self, id);
  }
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type,
                         uint64_t id) override {
    is_used_ = true;
    real_.set_multi_timeout(t, self, type, id);
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    if (is_used_)
      real_.cancel_ordinary_timeout(self, type);
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    if (is_used_)
      real_.cancel_request_timeout(self, id);
  }
  void cancel_timeouts(caf::abstract_actor* self) override {
    if (is_used_)
      real_.cancel_timeouts(self);
  }
  // Messages for later are no time-outs: they outlive their sender.
  void schedule_message(time_point t, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override {
    real_.schedule_message(t, std::move(receiver), std::move(content));
  }
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override {
    real_.schedule_message(t, std::move(target), std::move(sender), std::move(content));
  }
  void cancel_all() override { real_.cancel_all(); }

 private:
  thread_safe_actor_clock& real_;
  std::atomic<bool> is_used_{false};
};

class quiet_scheduler final : public caf::scheduler::coordinator<caf::policy::work_sharing> {
 public:
  using base = caf::scheduler::coordinator<caf::policy::work_sharing>;
  explicit quiet_scheduler(caf::actor_system& system) : base(system), clock_(base::clock()) {}
  thread_safe_actor_clock& clock() noexcept override { return clock_; }

 private:
  quiet_clock clock_;
};

} // namespace

caf::actor_system::module* make_quiet_scheduler(caf::actor_system& system) {
  return new quiet_scheduler(system); // the system deletes its modules
}

} // namespace natterjack::hub
