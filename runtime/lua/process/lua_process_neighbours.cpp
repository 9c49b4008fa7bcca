// Whom a process monitors, is linked to or waits for, and what it hears of their ends.
#include "hub/link_failure.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/process/lua_process.hpp"

#include <caf/all.hpp>

namespace natterjack::runtime::lua {

lua_process::neighbour& lua_process::neighbour_of(const hub::process_ref& whom) {
  auto& entry = neighbours_[caf::actor_cast<caf::actor_addr>(whom.actor)];
  entry.who = whom;
  return entry;
}

bool lua_process::watch(const hub::process_ref& whom) {
  auto& entry = neighbour_of(whom);
  if (entry.monitored)
    return false;
  if (entry.awaited_by.empty())
    monitor(whom.actor);
  entry.monitored = true;
  return true;
}

bool lua_process::unwatch(const hub::process_ref& whom) {
  auto address = caf::actor_cast<caf::actor_addr>(whom.actor);
  auto i = neighbours_.find(address);
  if (i == neighbours_.end() || !i->second.monitored)
    return false;
  i->second.monitored = false;
  if (i->second.awaited_by.empty())
    demonitor(address);
  if (i->second.unused())
    neighbours_.erase(i);
  return true;
}

bool lua_process::tie(const hub::process_ref& whom) {
  auto& entry = neighbour_of(whom);
  if (entry.linked)
    return false;
  entry.linked = true;
  link_to(caf::actor_cast<caf::actor_addr>(whom.actor));
  return true;
}

bool lua_process::untie(const hub::process_ref& whom) {
  auto address = caf::actor_cast<caf::actor_addr>(whom.actor);
  auto i = neighbours_.find(address);
  if (i == neighbours_.end() || !i->second.linked)
    return false;
  i->second.linked = false;
  unlink_from(address);
  if (i->second.unused())
    neighbours_.erase(i);
  return true;
}

void lua_process::await_end(const hub::process_ref& whom, uint64_t task_number) {
  auto& entry = neighbour_of(whom);
  if (!entry.monitored && entry.awaited_by.empty())
    monitor(whom.actor);
  entry.awaited_by.push_back(task_number);
}

std::optional<hub::exit_result> lua_process::take_awaited(uint64_t task_number) {
  auto i = awaited_.find(task_number);
  if (i == awaited_.end())
    return std::nullopt;
  auto result = std::move(i->second);
  awaited_.erase(i);
  return result;
}

void lua_process::neighbour_down(const caf::actor_addr& who) {
  auto i = neighbours_.find(who);
  if (i == neighbours_.end() || ended_)
    return;
  auto& entry = i->second;
  const auto& how = entry.who.self->result();
  for (auto number : entry.awaited_by) {
    awaited_[number] = how;
    engine_.wake_task(number);
  }
  entry.awaited_by.clear();
  if (std::exchange(entry.monitored, false)) {
    engine_.collect(); // what it sent before it ended comes first
    engine_.arrived(
        process_event{event_kind::exit, entry.who.self->id(), unix_seconds(), {}, how, 0});
  }
  if (entry.unused())
    neighbours_.erase(i);
  run_unless_scheduled();
}

void lua_process::neighbour_exit(const caf::exit_msg& how) {
  if (ended_)
    return;
  const bool failed = how.reason && how.reason != caf::exit_reason::normal;
  if (how.source == address()) { // the runtime, or process.terminate: nobody resists that
    if (failed)
      end_with(how.reason);
    return;
  }
  hub::process_ref who;
  if (auto i = neighbours_.find(how.source); i != neighbours_.end()) {
    who = i->second.who;
    i->second.linked = false;
    if (i->second.unused())
      neighbours_.erase(i);
  } else if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(how.source)) {
    // It linked itself to us.
    who = {actor, dynamic_cast<hub::process*>(actor->get())};
  }
  if (!failed)
    return;
  const auto from = who ? who.self->id() : hub::pid{};
  auto result = who ? who.self->result() : hub::exit_result{{}, to_string(how.reason)};
  if (!traps_links_)
    return fail(hub::link_failure(from, result.error), {});
  engine_.collect();
  engine_.arrived(
      process_event{event_kind::link_down, from, unix_seconds(), {}, std::move(result), 0});
  run_unless_scheduled();
}

} // namespace natterjack::runtime::lua
