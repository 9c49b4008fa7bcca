// What entries with Lua code have in common: the code, what it may require, its limits.
#pragma once

#include "runtime/config/entry.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace natterjack::runtime {

class field_reader;

using duration = std::chrono::nanoseconds;
using string_map = std::map<std::string, std::string>;

struct lua_import {
  std::string alias;      ///< what `require` is called with
  std::string library_id; ///< a library_entry
};

/// What a Lua entry runs and may require.
struct lua_code {
  source_text source;
  std::vector<std::string> modules;
  std::vector<lua_import> imports;
};

struct lua_limits {
  uint64_t memory = 0; ///< bytes of one state
  duration slice{};    ///< then others get their turn
  duration budget{};   ///< running without waiting; then the process ends
  uint64_t mailbox = 0;
  uint64_t mailbox_bytes = 0;
  uint64_t timers = 0;
  uint64_t channels = 0;
  uint64_t names = 0;
  uint64_t stack = 0; ///< nested C calls
};

lua_code read_lua_code(const field_reader& fields, const entry& e);
lua_limits read_lua_limits(const field_reader& fields);

} // namespace natterjack::runtime
