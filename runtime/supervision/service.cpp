#include "runtime/supervision/service.hpp"

#include "hub/log_fields.hpp"
#include "hub/node.hpp"
#include "runtime/supervision/supervisor.hpp"

#include <caf/actor_system.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>

namespace natterjack::runtime {

const char* to_string(service_state state) noexcept {
  constexpr const char* names[]{"stopped", "starting", "running", "waiting", "exited", "failed"};
  return names[static_cast<size_t>(state)];
}

std::chrono::nanoseconds restart_delay(const restart_policy& policy, uint64_t attempt) {
  const auto longest = static_cast<double>(policy.max_delay.count());
  const auto exponent = static_cast<double>(std::min<uint64_t>(attempt, 64) - 1);
  const auto delay =
      static_cast<double>(policy.initial_delay.count()) * std::pow(policy.backoff_factor, exponent);
  return std::chrono::nanoseconds(static_cast<int64_t>(std::min(delay, longest)));
}

service::service(caf::actor_system& system, std::string id, service_plan plan)
    : id_(std::move(id)), state_(std::make_shared<state>()) {
  state_->id = id_;
  state_->plan = std::move(plan);
  state_->supervisor = spawn_supervisor(system, state_);
}

service::~service() {
  caf::anon_send_exit(state_->supervisor, caf::exit_reason::kill);
  state_->supervisor = nullptr; // the supervisor holds the state
}

void service::start(std::function<void(const std::string& error)> settled) {
  state_->settled.ask(std::move(settled));
  caf::anon_send(state_->supervisor, supervision::start_atom::value);
}

std::future<std::string> service::upgrade(service_plan next) {
  auto wish = std::make_shared<upgrade_wish>();
  wish->plan = std::move(next);
  auto result = wish->decided.get_future();
  caf::anon_send(state_->supervisor, supervision::upgrade_atom::value, std::move(wish));
  return result;
}

void service::stop(std::chrono::nanoseconds patience) {
  caf::scoped_actor self{state_->supervisor.home_system()};
  // A kill ends a process within its slice; a second more is for a busy machine.
  self->request(state_->supervisor, patience + std::chrono::seconds(1),
                supervision::stop_atom::value, patience)
      .receive([] {},
               [this](const caf::error&) {
                 const hub::log_scope about({.entry = id_});
                 spdlog::warn("{}: did not stop in time", id_);
               });
}

void service::ended_by_administrator(const hub::pid& process) {
  std::lock_guard guard(state_->mutex);
  state_->asked_to_end = process;
}

service_status service::status() const {
  std::lock_guard guard(state_->mutex);
  return state_->status;
}

} // namespace natterjack::runtime
