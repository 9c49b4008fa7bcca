// The entries of process jobs as plain structs: pow.exec, pow.lua, pow.service. As options.hpp.
#pragma once

#include "runtime/config/options/lua_options.hpp"

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct application;
struct entry;

/// Where the error output of a command goes.
enum class exec_errors : uint8_t { merged, apart, dropped };

struct pow_exec_entry {
  std::string id;
  std::vector<std::string> argv;   ///< template
  std::filesystem::path directory; ///< absolute
  std::optional<std::vector<std::string>> pass_environment;
  string_map environment;
  std::string user;                        ///< empty: the server's
  std::optional<uint64_t> arguments_min;   ///< not said: what `argv` names
  std::optional<uint64_t> arguments_max;
  std::vector<std::string> argument_patterns;
  uint64_t argument_bytes = 0;
  exec_errors errors = exec_errors::merged;
  uint64_t cpu_seconds = 0; ///< this and the four below, 0: no bound
  duration wall_clock{};
  uint64_t memory = 0;
  uint64_t file_bytes = 0;
  uint64_t open_files = 0;
  duration grace{};
  duration lost_grace{};
  bool interrupt_on_cancel = false;
};

struct pow_lua_entry {
  std::string id;
  lua_code code;
  std::string method;
  lua_limits limits;
  duration grace{};
};

struct pow_limits {
  uint64_t jobs = 0;
  duration call_time{};
  uint64_t message_bytes = 0, input_bytes = 0, output_bytes = 0;
  duration read_time{};
  duration ping_interval{}; ///< 0: no pings
  duration write_time{}, close_time{}, stop_time{};
  duration rest_timeout{};
  uint64_t rest_sessions = 0, rest_lines = 0, rest_line_bytes = 0, rest_store_bytes = 0;
  duration rest_input_time{}, rest_cancel_time{};
};

struct pow_service_entry {
  std::string id;
  std::string server_id;                   ///< a http_service_entry
  std::string base_path;                   ///< starts with `/`
  std::map<std::string, std::string> jobs; ///< name -> id of an entry, or a built-in job's name
  bool websocket = false;
  bool rest = false;
  bool docs = false;
  std::string description;
  std::string authorize_id; ///< a function_entry; empty: everybody may
  pow_limits limits;
};

pow_exec_entry read_pow_exec(const application& app, const entry& e);
pow_lua_entry read_pow_lua(const application& app, const entry& e);
pow_service_entry read_pow_service(const application& app, const entry& e);

} // namespace natterjack::runtime
