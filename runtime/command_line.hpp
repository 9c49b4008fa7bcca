// What the command line asks for, or what is wrong with it.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/log_format.hpp"

#include <spdlog/common.h>

#include <chrono>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

enum class command : uint8_t {
  run,
  check,
  init,
  version,
  nothing, ///< help was asked for and given, or the arguments are wrong: leave with `exit_code`
};

struct command_line {
  runtime::command command = command::nothing;
  int exit_code = 0;
  bool short_version = false; ///< the number alone
  std::string folder; ///< of the application; for init, the one to make
  std::optional<std::string> listen;
  std::vector<override_option> overrides; ///< in the order given
  std::vector<diagnostic> mistakes;       ///< in the project's settings
  std::vector<diagnostic> warnings;       ///< about them
  std::optional<std::string> allow_origins;
  std::string node_name = "natterjack";
  spdlog::level::level_enum log_level = spdlog::level::info;
  runtime::log_format log_format = runtime::log_format::text;
  std::string metrics = "on"; ///< on: every gateway; off; or ADDR:PORT of a gateway of its own
  std::string admin_socket;   ///< a path, or off; empty: the default one
  std::chrono::nanoseconds drain_window{};
  std::chrono::nanoseconds drain_timeout{};
  std::string exec;                   ///< `-x`: id of a process to run; then everything ends
  std::string exec_host;              ///< `--host`: where; empty: the first terminal.host
  std::vector<std::string> arguments; ///< a command of the application and what it is given
  size_t io_threads = 0;  ///< 0: one for each core
  size_t hub_threads = 0; ///< 0: one for each core
};

/// Reads the arguments; writes help to stdout and mistakes, with the nearest right word, to stderr.
command_line read_command_line(int argc, const char* const* argv);

} // namespace natterjack::runtime
