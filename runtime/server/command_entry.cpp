#include "runtime/server/command_entry.hpp"

#include "runtime/config/nearest.hpp"

#include <algorithm>
#include <vector>

namespace natterjack::runtime {

namespace {

constexpr std::string_view implicit_host_id = "system:processes"; // made on demand

std::vector<std::string> ids_of(const application& app,
                                std::initializer_list<std::string_view> kinds) {
  std::vector<std::string> ids;
  for (const auto& e : app.entries)
    if (std::find(kinds.begin(), kinds.end(), e.kind) != kinds.end())
      ids.push_back(e.id);
  return ids;
}

// The word that runs this entry; null: it is no command.
const std::string* command_of(const entry& e) {
  const auto* name = e.kind == "process.lua" ? e.meta.find_path("command.name") : nullptr;
  return name != nullptr ? name->as_text() : nullptr;
}

void complain(application& app, std::string option, std::string message,
              std::vector<std::string> known, const std::string& word) {
  std::sort(known.begin(), known.end());
  app.diagnostics.push_back({std::move(option), 0, "", message + did_you_mean(word, known),
                             known.empty() ? "" : one_of(known)});
}

// The terminal.host that the entry of the command names, if it does.
void take_host(application& app, command_line& line) {
  const auto* e = app.find(line.exec);
  const auto* named = e != nullptr ? e->meta.find_path("command.host") : nullptr;
  if (!line.exec_host.empty() || named == nullptr || named->as_text() == nullptr)
    return;
  const auto id = resolve_reference(line.exec.substr(0, line.exec.find(':')), *named->as_text());
  const auto* host = app.find(id);
  if (host != nullptr && host->kind == "terminal.host")
    line.exec_host = id;
  else
    complain(app, line.exec + ": meta.command.host: " + id,
             host == nullptr ? "no entry of this id" : "is of kind " + host->kind,
             ids_of(app, {"terminal.host"}), id);
}

void find_command(application& app, command_line& line) {
  const auto word = line.arguments.front();
  std::vector<std::string> known;
  for (const auto& e : app.entries) {
    const auto* name = command_of(e);
    if (name == nullptr)
      continue;
    known.push_back(*name);
    if (*name != word)
      continue;
    line.exec = e.id;
    line.arguments.erase(line.arguments.begin());
    return;
  }
  auto message = "no command \"" + word + "\" in this application";
  if (known.empty())
    message += ": no process.lua says meta.command.name";
  complain(app, "run", std::move(message), std::move(known), word);
}

} // namespace

std::optional<std::string> listed_commands(const application& app, const command_line& line) {
  if (!line.exec.empty() || line.arguments.size() != 1 || line.arguments.front() != "list")
    return {};
  std::string list;
  for (const auto& e : app.entries) {
    const auto* name = command_of(e);
    if (name == nullptr)
      continue;
    if (*name == "list")
      return {};
    const auto* about = e.meta.find_path("command.short");
    list += *name + "  " + (about != nullptr && about->as_text() ? *about->as_text() : e.id) + '\n';
  }
  return list;
}

void resolve_command(application& app, command_line& line) {
  if (line.exec.empty() && line.arguments.empty())
    return;
  if (const auto slash = line.exec.find('/'); slash != std::string::npos) { // HOST/ENTRY
    line.exec_host = line.exec.substr(0, slash);
    line.exec.erase(0, slash + 1);
  }
  if (line.exec.empty())
    find_command(app, line);
  else if (const auto* e = app.find(line.exec); e == nullptr || e->kind != "process.lua")
    complain(app, "-x " + line.exec, e == nullptr ? "no entry of this id" : "is of kind " + e->kind,
             ids_of(app, {"process.lua"}), line.exec);
  take_host(app, line);
  const auto& host = line.exec_host;
  if (host.empty() || host == implicit_host_id)
    return;
  const auto* e = app.find(host);
  if (e == nullptr || (e->kind != "process.host" && e->kind != "terminal.host"))
    complain(app, "--host " + host, e == nullptr ? "no entry of this id" : "is of kind " + e->kind,
             ids_of(app, {"process.host", "terminal.host"}), host);
}

} // namespace natterjack::runtime
