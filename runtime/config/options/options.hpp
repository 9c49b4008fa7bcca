// The entries of a checked application as plain structs, one for each kind, for whoever wires them.
//
//   read_options, application    everything at once
//   read_…, application, entry   one entry of that kind
//
// Every field is filled: what the application does not say comes from the default in the kind's
// schema (kinds.cpp), which is the only place that knows defaults. All ids are absolute
// (`ns:name`). The application must be `ok()`.
#pragma once

#include "relay/limits.hpp"
#include "runtime/config/application.hpp"
#include "runtime/config/network_address.hpp"
#include "runtime/config/options/amqp_options.hpp"
#include "runtime/config/options/cpp_options.hpp"
#include "runtime/config/options/lua_options.hpp"
#include "runtime/config/options/pow_options.hpp"
#include "runtime/config/options/service_options.hpp"

#include <nlohmann/json.hpp>

#include <chrono>
#include <cstdint>
#include <map>
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

struct restart_options {
  duration initial_delay{};
  duration max_delay{};
  double backoff_factor = 0;
  double jitter = 0;         ///< share of the delay, 0 to 1
  uint64_t max_attempts = 0; ///< 0: unlimited
};

struct lifecycle_options {
  bool auto_start = false;
  std::vector<std::string> depends_on; ///< `depends_on` and `requires` together
  bool required = true; ///< false: the application runs without it (`startup: optional`)
  duration start_timeout{};
  duration stop_timeout{};
  duration stable_threshold{}; ///< running this long forgets earlier restarts
  restart_options restart;
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

/// Certificates of a gateway: PEM text or the absolute path of a file.
struct http_tls {
  bool makes_own = false; ///< `mode: auto`: cert and key are the gateway's to make
  std::string cert, key, client_ca;
  std::string client_auth; ///< none, request, require, verify_if_given, require_and_verify
};

struct http_service_entry {
  std::string id;
  network_address address;
  relay::gateway_limits limits; ///< outbox_hard_bytes is at least twice message_bytes
  std::optional<http_tls> tls; ///< set: HTTPS
  lifecycle_options lifecycle;
  bool implicit = false;
};

struct router_entry {
  std::string id;
  std::string server_id; ///< a http_service_entry
  std::string prefix;    ///< without trailing slash; may be empty
  std::vector<std::string> middleware;
  string_map options;
  std::vector<std::string> post_middleware;
  string_map post_options;
  bool implicit = false;
};

struct endpoint_entry {
  std::string id;
  std::string router_id;
  std::string method;
  std::string path;      ///< as written, below the router's prefix
  std::string full_path; ///< prefix and path
  std::string function_id;
  bool guide_dialect = false;
  std::string place{}; ///< file:line of the entry
};

struct static_entry {
  std::string id;
  std::string server_id;
  std::string path;                ///< URL prefix, starts with `/`
  std::filesystem::path directory; ///< absolute
  bool spa = false;
  std::string index;
  std::string cache; ///< value of Cache-Control; may be empty
  string_map media_types; ///< by ending, with the dot
  std::vector<std::string> middleware;
  string_map options;
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
http_service_entry read_http_service(const application& app, const entry& e);
router_entry read_router(const application& app, const entry& e);
endpoint_entry read_endpoint(const application& app, const entry& e);
static_entry read_static(const application& app, const entry& e);
fs_directory_entry read_fs_directory(const application& app, const entry& e);

/// `system:processes` as it would be if the application named it: for a host that is asked for only
/// at run time.
host_entry default_host();

} // namespace natterjack::runtime
