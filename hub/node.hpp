// One running system: its processes, names and groups, and the way from a PID to a mailbox.
//
//   call                    result                                      errors
//   send, PID, message      queued at the receiver                      send_result
//   resolve, text           the process of a PID text or a name         why not, as a sentence
//   host, entry id          the name PIDs of that host are made from
//
//   threads                 all of it from any thread; none of it waits for a process
#pragma once

#include "hub/directory.hpp"
#include "hub/groups.hpp"
#include "hub/name_registry.hpp"
#include "hub/process_host.hpp"

#include <caf/fwd.hpp>

#include <atomic>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace natterjack::hub {

class node {
 public:
  /// @param name  of this node, first part of every PID
  node(caf::actor_system& system, std::string name);
  ~node();

  caf::actor_system& system() noexcept { return system_; }
  const std::string& name() const noexcept { return name_; }
  directory& processes() noexcept { return processes_; }
  name_registry& names() noexcept { return names_; }
  hub::groups& groups() noexcept { return groups_; }

  /// Interns a host; hosts come from entries and code, never from clients, so their number is bounded.
  const host_name* host(std::string_view entry_id);
  /// The process host of this entry id, or null.
  process_host* find_process_host(std::string_view entry_id);
  process_host& add_process_host(std::string_view entry_id, size_t max_processes);

  pid next_pid(const host_name* where) noexcept {
    return {where, last_number_.fetch_add(1, std::memory_order_relaxed) + 1};
  }

  send_result send(const pid& to, message_ptr what);

  /// From now on, what is sent to the PID of `before` once that has ended reaches `next`, which does
  /// its work: a new version took over. The latest thousand of those replaced are remembered.
  void succeed(const pid& before, const pid& next);
  /// The process that does the work of an ended one now, or null.
  process_ref successor_of(uint64_t number) const;

  /// Finds a living process by PID text, or else by registered name.
  /// @param why  set to a sentence when nobody is found
  process_ref resolve(std::string_view text, std::string* why = nullptr);

  /// As `resolve` for a PID text alone; tells a text that is no PID from a PID of nobody.
  /// @returns no value if `text` is not a PID; else what the lookup gave
  std::optional<std::pair<process_ref, send_result>> find(std::string_view pid_text,
                                                          std::string* why = nullptr);

 private:
  caf::actor_system& system_;
  std::string name_;
  directory processes_;
  name_registry names_;
  hub::groups groups_;
  std::atomic<uint64_t> last_number_{0};
  mutable std::mutex successors_mutex_;
  std::unordered_map<uint64_t, uint64_t> successors_; // numbers of PIDs
  std::deque<uint64_t> replaced_;                     // the keys, oldest replacement first
  mutable std::mutex mutex_;
  std::map<std::string, std::unique_ptr<host_name>, std::less<>> hosts_;
  std::map<std::string, std::unique_ptr<process_host>, std::less<>> process_hosts_;
};

} // namespace natterjack::hub
