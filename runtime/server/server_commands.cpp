#include "runtime/server/server_state.hpp"

#include "runtime/lua/base/terminal.hpp"

#include <stdexcept>

namespace natterjack::runtime {

namespace {

// The entry that `-x` names, or the one whose meta.command.name is the first argument.
std::string command_entry(const service_options& options, const command_line& line) {
  if (!line.exec.empty())
    return line.exec;
  std::string known;
  for (const auto& one : options.entries) {
    const auto command = one.meta.is_object() ? one.meta.find("command") : one.meta.end();
    if (command == one.meta.end() || !command->is_object() || !command->contains("name"))
      continue;
    const auto name = command->at("name").is_string() ? command->at("name").get<std::string>() : "";
    if (name == line.arguments.front())
      return one.id;
    known += (known.empty() ? "" : ", ") + name;
  }
  throw std::runtime_error("no command \"" + line.arguments.front() + "\" in this application; " +
                           (known.empty() ? "it has none" : "there is: " + known));
}

} // namespace

void server::run_command(std::function<void(bool good)> when_done) {
  auto& s = *state_;
  const auto id = command_entry(s.options.shared, s.line);
  auto program = s.programs.processes.find(id);
  if (program == s.programs.processes.end())
    throw std::runtime_error("no process.lua entry '" + id + "'");
  auto host_id = s.line.exec_host;
  if (host_id.empty())
    host_id = s.options.shared.terminals.empty() ? default_host().id
                                                 : s.options.shared.terminals.front().id;
  auto* host = s.lua.find_host(host_id);
  if (host == nullptr)
    throw std::runtime_error("no process.host or terminal.host entry '" + host_id + "'");
  std::vector<hub::payload> arguments;
  for (const auto& one : s.shared->of<lua::terminal>().arguments)
    arguments.push_back(hub::payload::text(one));
  auto made = s.lua.spawn(program->second, *host, std::move(arguments));
  if (!made)
    throw std::runtime_error(made.error);
  made.process.actor->get()->attach_functor([when_done](const caf::error& why) {
    when_done(!why || why == caf::exit_reason::normal);
  });
}

} // namespace natterjack::runtime
