#include "runtime/server/server_state.hpp"

#include "runtime/exit_codes.hpp"
#include "runtime/lua/base/terminal.hpp"
#include "runtime/server/application_services.hpp"

#include <charconv>
#include <iostream>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

// What a command leaves behind for who started it. A text is its last word, on standard output.
int exit_code_of(const hub::exit_result& result) {
  if (!result.error.empty())
    return exit_failed;
  const auto bytes = result.value.bytes();
  if (result.value.kind() == hub::payload_kind::text)
    std::cout << bytes << std::endl;
  if (result.value.kind() != hub::payload_kind::json)
    return exit_done;
  if (bytes == "false")
    return exit_failed;
  int64_t code = exit_done;
  const auto read = std::from_chars(bytes.data(), bytes.data() + bytes.size(), code);
  const bool is_number = read.ec == std::errc{} && read.ptr == bytes.data() + bytes.size();
  return is_number ? static_cast<int>(code & 0xff) : exit_done; // as the system cuts it
}

} // namespace

void server::run_command(std::function<void(int exit_code)> when_done) {
  auto& s = *state_;
  const auto& id = s.line.exec;
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
  lua::spawn_options settings;
  settings.context = security_of_command(s.options.shared, id);
  auto made = s.lua.spawn(program->second, *host, std::move(arguments), std::move(settings));
  if (!made)
    throw std::runtime_error(made.error);
  s.command = made.process;
  made.process.actor->get()->attach_functor(
      [&s, when_done, process = made.process, ended = s.command_ended](const caf::error& why) {
        const bool is_cut_off = s.progress.draining && why == caf::exit_reason::user_shutdown;
        when_done(is_cut_off ? exit_done : exit_code_of(process.self->result()));
        *ended = true;
      });
}

} // namespace natterjack::runtime
