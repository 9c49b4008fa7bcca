#include "relay/pinned.hpp"

#include "relay/io_thread.hpp"
#include "relay/message_run.hpp"

namespace natterjack::relay {

pinned::pinned(io_thread& home, hub::node& node, const hub::host_name* host)
    : hub::process(node, host), thread_(home) {}

void pinned::enter_as(caf::actor_control_block* self) {
  control_ = self;
  enter(self);
}

hub::send_result pinned::deliver(hub::message_ptr what) noexcept {
  thread_.push(this, std::move(what));
  return hub::send_result::sent;
}

hub::delivery_domain* pinned::domain() const noexcept { return &thread_; }

void pinned::accept_run(message_run& run) {
  for (const auto& what : run.messages())
    take(what);
}

} // namespace natterjack::relay
