// What a hub is told of a client: {"client_pid":…,"metadata":…}, and what a heartbeat says more.
#pragma once

#include "hub/pid.hpp"
#include "hub/process.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace natterjack::relay {

struct client_uptime {
  std::chrono::nanoseconds since_open{0};
  uint64_t messages = 0; ///< from the client
};

/// @param metadata  JSON text; empty: none was given
/// @param uptime    of a heartbeat; else null
/// @returns JSON. The guide's dialect has both spellings and always a Metadata.
std::string describe_client(const hub::pid& client, std::string_view metadata,
                            hub::relay_dialect dialect, const client_uptime* uptime = nullptr);

} // namespace natterjack::relay
