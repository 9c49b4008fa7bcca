// What a server is made of. Its member functions are in server.cpp (start, end), server_gateways.cpp,
// server_reload.cpp and server_commands.cpp.
#pragma once

#include "runtime/server/server.hpp"

#include "hub/node.hpp"
#include "relay/gateway.hpp"
#include "runtime/admin/admin_server.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/server/amqp_services.hpp"
#include "runtime/server/application_services.hpp"
#include "runtime/server/application_version.hpp"
#include "runtime/server/function_pools.hpp"
#include "runtime/server/gateway_tls.hpp"
#include "runtime/server/loss_report.hpp"
#include "runtime/server/pow_services.hpp"
#include "runtime/server/server_view.hpp"
#include "runtime/supervision/service_group.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <nlohmann/json.hpp>

#include <atomic>
#include <map>
#include <mutex>

namespace natterjack::runtime {

struct system_config : caf::actor_system_config {
  explicit system_config(size_t threads);
};

struct server::state {
  using version_ptr = std::shared_ptr<const application_version>;
  using gateway_map = std::map<std::string, relay::gateway*>; // by the id of the entry

  state(const command_line& given, const application& app, std::function<application()> loader);

  lua::runtime_options lua_options();

  // -- gateways and their routes
  relay::http_handler handler_of(const application_version& from, const std::string& function_id,
                                 pool_map& into);
  void make_gateways();
  void fill_routes(const application_version& from, const gateway_map& by_id, pool_map& into);
  void add_metrics(relay::gateway& gateway);
  void make_metrics_gateway();

  // -- what operators see
  void make_admin();
  void open_admin();

  // -- a new version
  /// @returns texts for who asked: done, notes, errors
  nlohmann::json take_over(const application& app, const std::function<bool()>& give_up);

  // -- start and end
  void start_services();
  void end_command(std::chrono::steady_clock::time_point deadline);
  void end_consumers(std::chrono::steady_clock::time_point deadline);
  void end_spawned(std::chrono::steady_clock::time_point deadline);
  void end_jobs(std::chrono::steady_clock::time_point deadline);
  void end_all();
  size_t sum(size_t (relay::gateway::*what)() const noexcept) const;

  command_line line;
  std::function<application()> load;
  version_ptr first; // what it was started with
  std::atomic<version_ptr> latest;
  const application_options& options; // of the first version
  const lua_programs& programs;
  std::shared_ptr<lua::services> shared = std::make_shared<lua::services>();
  system_config config;
  caf::actor_system system;
  hub::node node;
  relay::io_pool threads;
  lua::lua_runtime lua;
  function_pools pools{lua, node};
  gateway_tls certificates{line.folder};
  std::vector<std::unique_ptr<relay::gateway>> gateways;
  std::unique_ptr<relay::gateway> metrics_gateway;
  service_group services;
  std::unique_ptr<pow_services> pow;
  std::unique_ptr<amqp_services> amqp;
  std::unique_ptr<admin_server> admin;
  hub::process_ref command; // that `-x` names; null: none
  std::shared_ptr<std::atomic<bool>> command_ended = std::make_shared<std::atomic<bool>>(false);
  caf::actor probe;
  server_progress progress;
  server_view view{line,     node,     lua,      threads, cores_or(line.hub_threads),
                   gateways, services, progress, [this] { return latest.load(); },
                   [this] { return databases_are_open(options.shared, *shared); }};
  std::mutex reload_mutex;
  std::vector<admin_reply> reload_replies;
  loss_report losses;
};

} // namespace natterjack::runtime
