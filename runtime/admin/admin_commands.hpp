// What an administrator may ask of a running node.
//
//   command   fields            answer, beside "ok"
//   about     -                 node, process, folder, version, uptime_s, state, gateways, services
//   ps        -                 the same, and processes: pid, names, entry, kind, mailbox, memory, …
//   send      to, topic, value  to: the PID it reached
//   kill      who, force        pid. CANCEL, or with force an end at once
//   reload    -                 done, notes, errors: lists of texts; waiting: how many changes take effect
//                               with the next start; summary. Answered when it is over
//   metrics   -                 text
//
//   who, to   a PID, its number (0x2a or 2a), a registered name, the id of a service, or that of an entry
//             which one process runs
#pragma once

#include "hub/node.hpp"
#include "runtime/admin/admin_server.hpp"

#include <functional>
#include <string>

namespace natterjack::runtime {

struct admin_sources {
  hub::node* node = nullptr;
  std::function<nlohmann::json()> about;
  std::function<hub::pid(const std::string& service_id)> service_process;
  std::function<void(const hub::pid& process)> ended; ///< told of whom `kill` asks to end
  std::function<void(admin_reply)> reload;
  std::function<std::string()> metrics;
};

admin_handler make_admin_commands(admin_sources sources);

/// Finds who is meant. @param why  set when nobody is
hub::process_ref find_process(const admin_sources& sources, const std::string& who,
                              std::string& why);

} // namespace natterjack::runtime
