// All processes of a node as an operator wants to see them: for `natterjack ps` and for metrics.
#pragma once

#include "hub/facts.hpp"
#include "hub/node.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct process_row {
  hub::pid id;
  hub::process_facts facts;       ///< `entry` is never empty here
  std::vector<std::string> names; ///< sorted; empty unless asked for
  uint64_t outbox_bytes = 0;
  std::chrono::nanoseconds uptime{};
};

/// Everybody alive, in order of birth.
/// @param with_names  looks up each one's names as well
std::vector<process_row> read_processes(hub::node& node, bool with_names);

} // namespace natterjack::runtime
