#include "runtime/server/service_plans.hpp"

#include "hub/node.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/server/application_services.hpp"
#include "runtime/server/cpp_processes.hpp"

#include <mutex>
#include <utility>

namespace natterjack::runtime {

namespace {

using version_ptr = std::shared_ptr<const application_version>;

restart_policy to_policy(const lifecycle_options& from) {
  return {from.restart.initial_delay, from.restart.max_delay,    from.restart.backoff_factor,
          from.restart.jitter,        from.restart.max_attempts, from.stable_threshold};
}

std::vector<hub::payload> to_arguments(const nlohmann::json& input) {
  std::vector<hub::payload> arguments;
  for (const auto& value : input)
    arguments.push_back(hub::payload::json(value.dump()));
  return arguments;
}

process_starter start_cpp(const version_ptr& version, const service_entry& entry,
                          const process_cpp_entry& cpp, hub::node& node, lua::lua_runtime& lua) {
  // The version holds the entry.
  return [version, &node, &lua, &cpp, host = entry.host_id, input = entry.input](
             std::function<void()> when_waiting, const hub::pid&) {
    started_process made;
    made.process = start_cpp_process(node, *lua.find_host(host), cpp, input,
                                     std::move(when_waiting), made.error);
    return made;
  };
}

process_starter start_lua(const application_version& version, const service_entry& entry,
                          hub::node& node, lua::lua_runtime& lua) {
  return [&node, &lua, host = entry.host_id, arguments = to_arguments(entry.input),
          context = security_of(version.options.shared, entry.id),
          program = version.programs.processes.at(entry.process_id)](
             std::function<void()> when_waiting, const hub::pid& replaces) {
    lua::spawn_options wanted;
    wanted.on_first_wait = std::move(when_waiting);
    wanted.context = context;
    if (replaces) {
      wanted.claims = std::make_shared<lua::name_claims>();
      wanted.claims->held_by = replaces;
    }
    auto claims = wanted.claims;
    auto spawned = lua.spawn(program, *lua.find_host(host), arguments, std::move(wanted));
    started_process made{spawned.process, spawned.error, {}};
    if (claims && spawned)
      made.hand_over = [&node, claims, next = spawned.process.self->id()] {
        std::lock_guard guard(claims->mutex);
        claims->is_over = true;
        node.names().hand_over(claims->names, claims->held_by, next);
        for (const auto& name : claims->names) // those that the old one no longer held
          node.names().add(name, next);
      };
    return made;
  };
}

planned_service plan_service(const version_ptr& version, const service_entry& entry,
                             hub::node& node, lua::lua_runtime& lua) {
  planned_service planned;
  planned.id = entry.id;
  planned.requires_ = entry.lifecycle.depends_on;
  planned.required = entry.lifecycle.required;
  planned.version = version_of(*version, entry);
  planned.plan.policy = to_policy(entry.lifecycle);
  planned.plan.start_timeout = entry.lifecycle.start_timeout;
  planned.plan.stop_timeout = entry.lifecycle.stop_timeout;
  const auto* cpp = find_cpp_process(version->options, entry.process_id);
  planned.plan.start = cpp != nullptr ? start_cpp(version, entry, *cpp, node, lua)
                                      : start_lua(*version, entry, node, lua);
  return planned;
}

} // namespace

std::vector<planned_service> plan_services(version_ptr version, hub::node& node,
                                           lua::lua_runtime& lua) {
  std::vector<planned_service> planned;
  for (const auto& id : version->options.start_order)
    for (const auto& entry : version->options.services)
      if (entry.id == id)
        planned.push_back(plan_service(version, entry, node, lua));
  return planned;
}

} // namespace natterjack::runtime
