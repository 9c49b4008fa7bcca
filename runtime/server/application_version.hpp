// One state of an application on disk: its entries, its programs, and what tells two states apart.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/options/options.hpp"
#include "runtime/server/lua_programs.hpp"

#include <map>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct application_version {
  /// @throws std::runtime_error  code that does not compile, which the check has reported before
  explicit application_version(const application& app);

  application_options options;
  lua_programs programs;
  std::map<std::string, std::string> entries; ///< id -> everything the entry says, kind first
  std::map<std::string, std::string> kinds;   ///< id -> kind
};

/// Everything that makes a program what it is: code, imports, grants, limits.
std::string version_of(const lua::lua_program& program);

/// A service with the program it runs.
std::string version_of(const application_version& version, const service_entry& entry);

/// Endpoints, routers and static folders that differ, a text each.
std::vector<std::string> changed_routes(const application_version& before,
                                        const application_version& after);

/// Entries of kinds that a running node does not take over: they need a restart.
std::vector<std::string> changes_for_restart(const application_version& before,
                                             const application_version& after);

} // namespace natterjack::runtime
