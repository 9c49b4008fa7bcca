#include "runtime/server/application_version.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime {

namespace {

// Kinds a running node takes over; all others wait for a restart.
bool is_live(const std::string& kind) {
  constexpr std::string_view live[]{
      "process.lua",  "library.lua",   "function.lua",  "process.service", "http.endpoint",
      "http.router",  "http.static",   "fs.directory",  "registry.entry",  "ns.definition",
      "ns.dependency", "ns.requirement"};
  return std::find(std::begin(live), std::end(live), kind) != std::end(live);
}

// Without the certificate of a gateway: a new one is shown to whoever connects from now on.
nlohmann::json data_of(const entry& e) {
  auto data = e.data.to_json();
  if (e.kind == "http.service" && data.contains("tls") && data["tls"].is_object())
    for (const char* of_certificate : {"cert", "key", "client_ca", "client_auth"})
      data["tls"].erase(of_certificate);
  return data;
}

std::string describe(const entry& e) {
  std::string text = e.kind + '\n' + data_of(e).dump() + '\n' + e.meta.to_json().dump() + '\n';
  if (e.source)
    text += e.source->text;
  return text;
}

} // namespace

application_version::application_version(const application& app)
    : options(read_options(app)), programs(make_programs(options)) {
  for (const auto& e : app.entries) {
    entries.emplace(e.id, describe(e));
    kinds.emplace(e.id, e.kind);
  }
}

std::string version_of(const lua::lua_program& program) {
  const auto& source = program.source();
  const auto& limits = source.limits;
  std::string text = source.id + '\n' + source.method + '\n' + source.text + '\n';
  for (const auto& module : source.modules)
    text += module + ' ';
  for (const auto number : {limits.memory, size_t(limits.slice.count()),
                            size_t(limits.budget.count()), limits.mailbox.messages, limits.mailbox.bytes,
                            limits.timers,
                            limits.channels, limits.names})
    text += std::to_string(number) + ' ';
  text += source.dialect ? std::to_string(static_cast<int>(*source.dialect)) : "";
  for (const auto& [alias, library] : source.imports)
    text += '\n' + alias + " = " + version_of(*library);
  return text;
}

std::string version_of(const application_version& version, const service_entry& entry) {
  // A hub in C++ has no program: its code is in this binary, so a change of its entry waits for a restart.
  const auto program = version.programs.processes.find(entry.process_id);
  return version.entries.at(entry.id) + '\n' +
         (program != version.programs.processes.end() ? version_of(*program->second) : "");
}

std::vector<std::string> changed_routes(const application_version& before,
                                        const application_version& after) {
  auto is_route = [](const std::string& kind) {
    return kind == "http.endpoint" || kind == "http.router" || kind == "http.static";
  };
  std::vector<std::string> changed;
  for (const auto& [id, text] : after.entries)
    if (is_route(after.kinds.at(id))) {
      const auto old = before.entries.find(id);
      if (old == before.entries.end())
        changed.push_back(id + " added");
      else if (old->second != text)
        changed.push_back(id + " replaced");
    }
  for (const auto& [id, kind] : before.kinds)
    if (is_route(kind) && !after.kinds.contains(id))
      changed.push_back(id + " removed");
  return changed;
}

std::vector<std::string> changes_for_restart(const application_version& before,
                                             const application_version& after) {
  std::vector<std::string> changed;
  for (const auto& [id, text] : after.entries) {
    const auto& kind = after.kinds.at(id);
    const auto old = before.entries.find(id);
    if (kind == "process.host" && old == before.entries.end())
      continue; // a new one is simply added
    if (!is_live(kind) && (old == before.entries.end() || old->second != text))
      changed.push_back(id + " (" + kind + ") " +
                        (old == before.entries.end() ? "is new" : "has changed"));
  }
  for (const auto& [id, kind] : before.kinds)
    if (!is_live(kind) && !after.kinds.contains(id))
      changed.push_back(id + " (" + kind + ") is gone");
  return changed;
}

} // namespace natterjack::runtime
