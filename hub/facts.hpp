// What an operator sees of a process: read from any thread while it runs.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::hub {

struct process_facts {
  std::string_view kind = "process"; ///< lua, function, connection, …; static storage
  std::string entry;                 ///< what it was made from; empty: its host's entry
  uint64_t mailbox = 0;              ///< messages that wait for it
  uint64_t memory = 0;               ///< bytes of its own; 0: not counted
  uint64_t messages = 0;             ///< taken so far
  uint64_t busy_ns = 0;              ///< running so far; 0: not counted
};

} // namespace natterjack::hub
