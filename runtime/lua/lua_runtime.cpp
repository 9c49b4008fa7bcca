#include "runtime/lua/lua_runtime.hpp"

#include "hub/counters.hpp"
#include "hub/log_fields.hpp"
#include "hub/node.hpp"
#include "runtime/log_level.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/shared/scripted_entries.hpp"
#include "runtime/lua/shared/services.hpp"

#include <caf/all.hpp>
#include <spdlog/spdlog.h>

#include <unistd.h>

namespace natterjack::runtime::lua {

lua_runtime::lua_runtime(hub::node& node, runtime_options options)
    : node_(node), options_(std::move(options)), sink_(STDOUT_FILENO), dog_(&engine::slice_hook) {
  if (!options_.shared)
    options_.shared = std::make_shared<services>();
}

lua_runtime::~lua_runtime() = default;

spawn_result lua_runtime::spawn(program_ptr program, hub::process_host& where,
                                std::vector<hub::payload> arguments, spawn_options options) {
  if (!where.reserve()) {
    hub::count(hub::counter::limit_max_processes);
    return {{},
            "host " + where.name()->host + " is full: limit max_processes (" +
                std::to_string(where.max_processes()) + ") reached"};
  }
  hub::count(hub::counter::processes_spawned);
  const auto name = options.name;
  const auto messages = std::exchange(options.messages, {});
  const auto names_max = program->limits().names;
  // Lazily: a name is taken before the first line runs.
  auto made = node_.system().spawn<lua_process, caf::lazy_init>(
      *this, where.name(), std::move(program), std::move(arguments), std::move(options),
      lua_process::role::process);
  auto strong = caf::actor_cast<caf::strong_actor_ptr>(made);
  auto* self = dynamic_cast<lua_process*>(strong->get());
  if (!name.empty() &&
      node_.names().add(name, self->process_id(), names_max) != hub::register_result::registered) {
    where.cancel();
    self->forget_first_wait();
    caf::anon_send_exit(made, caf::exit_reason::kill);
    return {{}, "name '" + name + "' is taken"};
  }
  where.hold(strong);
  for (const auto& one : messages)
    self->deliver(one);
  self->start();
  return {{std::move(strong), self}, {}};
}

program_ptr lua_runtime::find_program(const std::string& entry_id) const {
  if (auto scripted = options_.shared->of<scripted_entries>().find_program(*options_.shared->entries,
                                                                           entry_id))
    return *scripted;
  return options_.find_program ? options_.find_program(entry_id) : nullptr;
}

launcher lua_runtime::find_launcher(const std::string& entry_id) const {
  return options_.find_launcher ? options_.find_launcher(entry_id) : nullptr;
}

hub::process_host* lua_runtime::find_host(const std::string& entry_id) const {
  return options_.find_host ? options_.find_host(entry_id) : node_.find_process_host(entry_id);
}

void lua_runtime::print(std::string_view line) {
  if (options_.print)
    options_.print(line);
  else
    sink_.write(line);
}

bool lua_runtime::log_enabled(log_level level) const noexcept {
  return options_.logger && options_.logger->should_log(to_spdlog(level));
}

void lua_runtime::log(log_level level, std::string_view where, const hub::pid& who,
                      std::string_view text, std::string_view message,
                      std::string_view members) {
  const hub::log_scope about({.entry = where, .process = who, .message = message.empty() ? text : message,
                              .more = members});
  if (options_.logger)
    options_.logger->log(to_spdlog(level), "{} {}: {}", where, hub::to_string(who), text);
}

void lua_runtime::note_end(const std::string& entry, const entry_totals& did) {
  std::lock_guard guard(ended_mutex_);
  auto& sum = ended_[entry];
  sum.ended += did.ended;
  sum.failed += did.failed;
  sum.messages += did.messages;
  sum.busy_ns += did.busy_ns;
}

std::map<std::string, entry_totals> lua_runtime::ended_totals() const {
  std::lock_guard guard(ended_mutex_);
  return ended_;
}

} // namespace natterjack::runtime::lua
