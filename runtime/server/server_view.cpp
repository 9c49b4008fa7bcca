#include "runtime/server/server_view.hpp"

#include "hub/node.hpp"
#include "relay/gateway.hpp"
#include "runtime/command_line.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/server/application_version.hpp"
#include "runtime/supervision/service_group.hpp"

#include <nlohmann/json.hpp>

#include <filesystem>

#include <unistd.h>

namespace natterjack::runtime {

bool server_view::is_ready() const {
  return progress.ready && services.is_ready() && databases_are_open();
}

node_numbers server_view::numbers() const {
  node_numbers n;
  n.version = NATTERJACK_VERSION;
  n.ready = is_ready();
  n.draining = progress.draining;
  n.io_threads = threads.size();
  n.hub_threads = hub_threads;
  n.reloads = progress.reloads;
  n.reloads_failed = progress.reloads_failed;
  n.print_lines_dropped = lua.dropped_lines();
  for (const auto& gateway : gateways) {
    const auto counts = gateway->counts();
    n.gateways.push_back({gateway->entry_id(), gateway->connections(), counts.accepted,
                          counts.refused_full, counts.refused_address});
  }
  for (const auto& row : services.rows())
    n.services.push_back({row.id, to_string(row.status.state), row.required, row.status.starts,
                          row.status.failures});
  for (const auto& host : latest()->options.hosts)
    if (auto* found = node.find_process_host(host.id))
      n.hosts.push_back({host.id, found->size(), found->max_processes()});
  return n;
}

nlohmann::json server_view::about() const {
  const std::chrono::duration<double> age = std::chrono::steady_clock::now() - progress.born;
  nlohmann::json made{
      {"node", node.name()},
      {"process", static_cast<int>(getpid())},
      {"folder", std::filesystem::absolute(line.folder).lexically_normal().string()},
      {"version", NATTERJACK_VERSION},
      {"uptime_s", age.count()},
      {"state", progress.draining ? "draining" : is_ready() ? "ready" : "not ready"}};
  auto& addresses = made["gateways"] = nlohmann::json::array();
  for (const auto& gateway : gateways)
    addresses.push_back({{"id", gateway->entry_id()}, {"url", gateway->url()}});
  auto& rows = made["services"] = nlohmann::json::array();
  for (const auto& row : services.rows())
    rows.push_back({{"id", row.id},
                    {"state", to_string(row.status.state)},
                    {"required", row.required},
                    {"pid", to_string(row.status.process)},
                    {"starts", row.status.starts},
                    {"failures", row.status.failures},
                    {"error", row.status.last_error}});
  return made;
}

hub::pid server_view::process_of(const std::string& service_id) const {
  for (const auto& row : services.rows())
    if (row.id == service_id)
      return row.status.process;
  return {};
}

} // namespace natterjack::runtime
