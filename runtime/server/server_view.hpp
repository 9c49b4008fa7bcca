// What operators see of a running server, by /metrics and by the admin socket. Read when somebody asks.
#pragma once

#include "hub/pid.hpp"
#include "runtime/metrics/node_metrics.hpp"

#include <nlohmann/json_fwd.hpp>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::relay {
class gateway;
class io_pool;
} // namespace natterjack::relay

namespace natterjack::runtime {

struct application_version;
struct command_line;
class service_group;

/// Where the server is in its life; written by its main thread.
struct server_progress {
  std::atomic<bool> ready{false}; ///< everything has been started, and nothing drains
  std::atomic<bool> draining{false};
  std::atomic<uint64_t> reloads{0};
  std::atomic<uint64_t> reloads_failed{0};
  const std::chrono::steady_clock::time_point born = std::chrono::steady_clock::now();
};

/// The parts of the server that are looked at; they outlive the view.
struct server_view {
  const command_line& line;
  hub::node& node;
  const lua::lua_runtime& lua;
  const relay::io_pool& threads;
  size_t hub_threads = 0;
  const std::vector<std::unique_ptr<relay::gateway>>& gateways;
  const service_group& services;
  const server_progress& progress;
  std::function<std::shared_ptr<const application_version>()> latest;
  std::function<bool()> databases_are_open;

  bool is_ready() const;
  node_numbers numbers() const;
  /// The answer to `about`: see admin/admin_commands.hpp.
  nlohmann::json about() const;
  /// @returns the last process of a service; nobody: there is no such service
  hub::pid process_of(const std::string& service_id) const;
};

} // namespace natterjack::runtime
