#include "runtime/lua/shared/process_call.hpp"

#include "hub/process_host.hpp"
#include "runtime/lua/alarm.hpp"
#include "runtime/lua/shared/entry_registry.hpp"
#include "runtime/lua/shared/services.hpp"

#include <caf/all.hpp>
#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

namespace {

using nlohmann::json;
using steady = std::chrono::steady_clock;

// The result of a process as the end of a call. Facts are what error_facts_of made of an error.
main_end end_of_call(const hub::exit_result& result, bool was_late) {
  main_end end;
  end.ended = true;
  end.result = result;
  if (result.error.empty())
    return end;
  end.timed_out = was_late;
  if (was_late) {
    end.why = {error_kind::timeout, "the process was not done within the timeout of its call", {}};
    return end;
  }
  end.why = {error_kind::internal, result.error, {}};
  auto facts = json::parse(result.error_facts.bytes(), nullptr, false);
  if (!facts.is_object())
    return end;
  end.why.kind = error_kind_named(facts.value("kind", std::string()));
  facts.erase("kind");
  if (!facts.empty())
    end.why.more = facts.dump();
  return end;
}

std::string text_in(const json& map, const char* key) {
  const auto i = map.is_object() ? map.find(key) : map.end();
  return map.is_object() && i != map.end() && i->is_string() ? i->get<std::string>() : std::string();
}

} // namespace

std::string host_for_calls(lua_runtime& runtime, const std::string& entry_id) {
  const auto entries = runtime.shared().entries->now();
  const auto entry = entries ? entries->find(entry_id) : entry_registry::entry_map::const_iterator{};
  if (!entries || entry == entries->end())
    return {};
  const auto meta = json::parse(entry->second.meta.bytes(), nullptr, false);
  if (!meta.is_object())
    return {};
  auto host = text_in(meta.value("options", json()), "default_host");
  if (host.empty())
    host = text_in(meta, "default_host");
  if (!host.empty() && host.find(':') == std::string::npos)
    host.insert(0, entry_id, 0, entry_id.find(':') + 1); // one of the entry's own namespace
  return host;
}

hub::process_ref start_process_call(lua_runtime& runtime, program_ptr program,
                                    const std::string& host_id,
                                    std::vector<hub::payload> arguments, call_extras extras,
                                    failure& why) {
  auto* host = runtime.find_host(host_id);
  if (host == nullptr) {
    why = {error_kind::not_found, "no process.host entry '" + host_id + "', the default host of '" +
                                      program->id() + "'", {}};
    return {};
  }
  spawn_options options;
  options.context = std::move(extras.context);
  auto made = runtime.spawn(std::move(program), *host, std::move(arguments), std::move(options));
  if (!made) {
    why = {error_kind::unavailable, std::move(made.error), {}};
    return {};
  }
  const bool is_bounded = extras.deadline.count() > 0;
  const auto due = steady::now() + extras.deadline;
  std::shared_ptr<alarm> limit;
  if (is_bounded) {
    const auto weak = caf::actor_cast<caf::weak_actor_ptr>(made.process.actor);
    limit = std::make_shared<alarm>(runtime, [weak] {
      if (const auto who = weak.lock())
        caf::anon_send_exit(caf::actor_cast<caf::actor>(who), caf::exit_reason::user_shutdown);
    });
    limit->set(due.time_since_epoch() / std::chrono::nanoseconds(1));
  }
  // Held by the process itself, alarm included: a strong reference here would keep it for ever.
  made.process.actor->get()->attach_functor([process = made.process.self, done = std::move(extras.done),
                                             due, limit = std::move(limit)](const caf::error&) {
    auto end = end_of_call(process->result(), limit && steady::now() >= due);
    done(end);
  });
  return made.process;
}

void end_process_call(const hub::process_ref& process) {
  caf::anon_send_exit(caf::actor_cast<caf::actor>(process.actor), caf::exit_reason::user_shutdown);
}

} // namespace natterjack::runtime::lua
