// Everything `/metrics` tells, in one document.
//
// Counters come from the cells of all threads, gauges from a walk over all processes: some
// milliseconds for ten thousand of them, so it runs on a thread that serves nobody else.
#pragma once

#include "hub/node.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace natterjack::runtime {

namespace lua {
class lua_runtime;
}

struct gateway_numbers {
  std::string id;
  uint64_t open = 0; ///< sockets, HTTP and websocket
  uint64_t accepted = 0;
  uint64_t refused_full = 0;    ///< by `connections`
  uint64_t refused_address = 0; ///< by `connections_per_address`
};

struct service_numbers {
  std::string id;
  std::string state; ///< starting, running, waiting, exited, failed, stopped
  bool required = true;
  uint64_t starts = 0;
  uint64_t failures = 0;
};

struct host_numbers {
  std::string id;
  uint64_t processes = 0;
  uint64_t max_processes = 0;
};

/// What only the server knows, read at the moment of the scrape.
struct node_numbers {
  std::string version;
  bool ready = false;
  bool draining = false;
  size_t io_threads = 0;
  size_t hub_threads = 0;
  uint64_t reloads = 0;
  uint64_t reloads_failed = 0;
  uint64_t print_lines_dropped = 0;
  std::vector<gateway_numbers> gateways;
  std::vector<service_numbers> services;
  std::vector<host_numbers> hosts;
};

/// @param lua  for the totals of processes that have ended
std::string render_metrics(hub::node& node, const lua::lua_runtime& lua,
                           const node_numbers& numbers);

} // namespace natterjack::runtime
