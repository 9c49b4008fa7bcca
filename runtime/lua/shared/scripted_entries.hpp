// Functions, processes and libraries that a script has put into the registry: made when first asked for.
//
//   call           result
//   check          empty, or what is wrong with the code of such an entry
//   find_program   of a process.lua      nothing: the registry says what the files say, ask them
//   find_pool      of a function.lua     null: there is no such entry (any more)
//
//   an entry that is changed or removed  calls that run or wait are answered by the code they began with
//   imports   libraries of the registry, or those that entries of the files import
//   bound to  what `read_bounds` makes of `pool` and `limits`; without it 100 states and the default limits
#pragma once

#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/shared/entry_registry.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

/// Whether entries of this kind hold Lua that scripts may put into the registry.
bool is_scripted(std::string_view kind) noexcept;

struct scripted_bounds {
  lua_limits limits;
  pool_options pool{.workers = 100};
};

class scripted_entries {
 public:
  /// What an entry that entry_registry::check_bounds has let in is bound to. Set before the first
  /// script runs.
  std::function<scripted_bounds(const entry_record& entry)> read_bounds;
  /// A library of the files by its id, or null. Set before the first script runs; may be left unset.
  std::function<program_ptr(const std::string& id)> find_library;

  /// @returns a sentence with the line; empty if it compiles
  static std::string check(const entry_record& entry);

  std::optional<program_ptr> find_program(const entry_registry& entries, const std::string& id);
  std::optional<std::shared_ptr<function_pool>> find_pool(lua_runtime& runtime,
                                                          const std::string& id);
  /// Ends all workers; calls that run or wait are answered with errors.
  void stop();

 private:
  struct pooled {
    entry_registry::snapshot of; // the version of the registry it was made for
    std::string text;            // kind and data of its entry
    std::shared_ptr<function_pool> pool;
  };
  program_ptr make(const entry_registry::entry_map& all, const entry_record& entry, int depth) const;
  scripted_bounds bounds_of(const entry_record& entry) const;
  void retire(std::shared_ptr<function_pool> pool);

  std::mutex mutex_;
  bool stopped_ = false;
  std::map<std::string, pooled> pools_;
  std::vector<std::shared_ptr<function_pool>> retired_; // their last calls may still run
};

} // namespace natterjack::runtime::lua
