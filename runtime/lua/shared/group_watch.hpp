// Scopes of groups, and who wants to know who joins and leaves.
//
//   declare, scope, bounds      groups of this scope are bounded
//   allows, scope, group        false: a bound is reached
//   watch, scope, group, to     items {kind, path, data = {Group, PIDs}} from now on
//   joined, left                told to those who watch
//
//   sees   what goes through the module pg, and the end of members it knows
#pragma once

#include "hub/node.hpp"
#include "runtime/lua/reply.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

namespace natterjack::runtime::lua {

struct group_bounds {
  size_t groups = 0;  ///< 0: no bound
  size_t members = 0; ///< of one group; 0: no bound
};

class group_watch : public std::enable_shared_from_this<group_watch> {
 public:
  void declare(const std::string& scope, group_bounds bounds);
  /// True if the scope was declared, or none was.
  bool knows(const std::string& scope) const;
  /// @param full_name  "scope/group". @returns empty, or why nobody more may join
  std::string refusal(hub::node& node, const std::string& scope, const std::string& full_name) const;

  /// @param group  empty: every group of the scope
  uint64_t watch(const std::string& scope, const std::string& group, const reply_address& to);
  void unwatch(uint64_t number);
  /// The end of this member will be told.
  void track(const std::string& scope, const std::string& group, const hub::process_ref& member);
  void joined(const std::string& scope, const std::string& group, const hub::process_ref& member);
  void left(const std::string& scope, const std::string& group, const hub::pid& member);

 private:
  struct watcher {
    std::string scope, group;
    reply_address to;
  };
  void tell(const std::string& scope, const std::string& group, const hub::pid& member,
            const char* kind);
  void ended(const hub::pid& member);

  mutable std::mutex mutex_;
  std::map<std::string, group_bounds> scopes_;
  uint64_t last_ = 0;
  std::map<uint64_t, watcher> watchers_;
  std::map<uint64_t, std::set<std::pair<std::string, std::string>>> members_; // PID -> where
};

} // namespace natterjack::runtime::lua
