// The entries of a checked application as plain structs, one for each kind, for whoever wires them.
//
//   read_options, application    everything at once
//   read_…, application, entry   one entry of that kind
//
// Every field is filled: what the application does not say comes from the default in the kind's
// schema (kinds.cpp), which is the only place that knows defaults. All ids are absolute
// (`ns:name`). The application must be `ok()`.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/options/amqp_options.hpp"
#include "runtime/config/options/cpp_options.hpp"
#include "runtime/config/options/http_options.hpp"
#include "runtime/config/options/lifecycle_options.hpp"
#include "runtime/config/options/lua_options.hpp"
#include "runtime/config/options/pow_options.hpp"
#include "runtime/config/options/service_options.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// How join, leave and heartbeat of a connection reach Lua.
enum class relay_payload : uint8_t { text, table };

enum class pool_type : uint8_t { inline_, lazy, static_, adaptive };

struct library_entry {
  std::string id;
  lua_code code;
};

struct process_lua_entry {
  std::string id;
  lua_code code;
  std::string method;
  lua_limits limits;
  std::optional<runtime::relay_payload> relay_payload;
};

struct pool_options {
  pool_type type = pool_type::lazy;
  uint64_t states = 0; ///< at most, so calls running at a time
  uint64_t kept = 0;   ///< of them kept while nobody calls; of a static pool all
  uint64_t buffer = 0; ///< calls waiting
};

struct function_entry {
  std::string id;
  lua_code code;
  std::string method;
  pool_options pool;
  lua_limits limits;
};

struct host_entry {
  std::string id;
  uint64_t max_processes = 0;
  lifecycle_options lifecycle;
  bool implicit = false;
};

struct service_entry {
  std::string id;
  std::string process_id; ///< a process_lua_entry or process_cpp_entry
  std::string host_id;    ///< a host_entry
  nlohmann::json input;   ///< array: the arguments
  lifecycle_options lifecycle;
};

struct fs_directory_entry {
  std::string id;
  std::filesystem::path directory; ///< absolute
  bool auto_init = false;          ///< make it when it is not there
  uint32_t mode = 0;               ///< permissions of what is made
};

struct application_options {
  std::vector<host_entry> hosts;
  std::vector<library_entry> libraries;
  std::vector<process_lua_entry> processes;
  std::vector<process_cpp_entry> cpp_processes;
  std::vector<function_entry> functions;
  std::vector<service_entry> services;
  std::vector<http_service_entry> gateways;
  std::vector<router_entry> routers;
  std::vector<endpoint_entry> endpoints;
  std::vector<static_entry> statics;
  std::vector<fs_directory_entry> directories;
  std::vector<pow_exec_entry> pow_commands;
  std::vector<pow_lua_entry> pow_programs;
  std::vector<pow_service_entry> pow_services;
  std::vector<amqp_bridge_entry> amqp_bridges;
  std::vector<amqp_actor_entry> amqp_actors;
  std::vector<amqp_feed_entry> amqp_feeds;
  service_options shared;               ///< what Lua modules reach
  std::vector<std::string> start_order; ///< hosts, services, gateways
};

application_options read_options(const application& app);

host_entry read_host(const application& app, const entry& e);
library_entry read_library(const application& app, const entry& e);
process_lua_entry read_process(const application& app, const entry& e);
function_entry read_function(const application& app, const entry& e);
service_entry read_service(const application& app, const entry& e);
fs_directory_entry read_fs_directory(const application& app, const entry& e);

/// `system:processes` as it would be if the application named it: for a host that is asked for only
/// at run time.
host_entry default_host();

} // namespace natterjack::runtime
