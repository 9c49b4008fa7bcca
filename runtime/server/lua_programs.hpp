// The Lua entries of an application as programs ready to run.
#pragma once

#include "runtime/config/options/options.hpp"
#include "runtime/lua/program/lua_program.hpp"

#include <map>
#include <string>

namespace natterjack::runtime {

/// Compiled programs by entry id; libraries are inside those that import them.
struct lua_programs {
  std::map<std::string, lua::program_ptr> processes;
  std::map<std::string, lua::program_ptr> functions;
  std::map<std::string, lua::program_ptr> jobs;
};

/// @throws std::runtime_error  for code that does not compile, which the check has reported before
lua_programs make_programs(const application_options& options);

/// A library that one of the programs imports, or null.
lua::program_ptr find_library(const lua_programs& programs, const std::string& id);

} // namespace natterjack::runtime
