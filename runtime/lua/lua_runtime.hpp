// What all Lua processes of a node share: the way to programs and hosts, the watchdog, timers,
// output.
//
//   call            result                          errors
//   spawn           a running process               host full, name taken, as a sentence
//   find_program    the program of an entry id      null
//
//   outlives every process it spawned: end those first, then await them
#pragma once

#include "hub/directory.hpp"
#include "hub/message.hpp"
#include "runtime/lua/base/print_sink.hpp"
#include "runtime/lua/engine/timer_service.hpp"
#include "runtime/lua/engine/watchdog.hpp"
#include "runtime/lua/host_api.hpp"
#include "runtime/lua/program/lua_program.hpp"
#include "runtime/lua/shared/call_context.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace spdlog {
class logger;
}

namespace natterjack::hub {
class node;
class process_host;
} // namespace natterjack::hub

namespace natterjack::runtime::lua {

/// Names that a new version of a process wants and the one it replaces still holds: it is told that it
/// has them, and gets them when it has started.
struct name_claims {
  hub::pid held_by;
  std::mutex mutex;
  bool is_over = false; ///< handed over: what is claimed later is taken at once
  std::vector<std::string> names;
};

struct services;

struct spawn_options {
  /// Called once, from the process: it waits for the first time, or has ended before it ever did.
  std::function<void()> on_first_wait;
  std::string name; ///< registered before the process starts; empty: none
  context_ptr context;
  std::vector<hub::message_ptr> messages; ///< in its mailbox before it runs
  std::shared_ptr<name_claims> claims; ///< set: it replaces another process
};

struct spawn_result {
  hub::process_ref process; ///< null if it failed
  std::string error;
  explicit operator bool() const noexcept { return static_cast<bool>(process); }
};

/// Starts a process that is not written in Lua. @param arguments  its values
using launcher =
    std::function<spawn_result(hub::process_host& where, const std::vector<hub::payload>& arguments)>;

struct runtime_options {
  /// Entry id -> program; null: no such `process.lua`.
  std::function<program_ptr(const std::string& entry_id)> find_program;
  /// Entry id -> host; null: no such host. Unset: what the node knows.
  std::function<hub::process_host*(const std::string& entry_id)> find_host;
  /// Takes what `print` writes, with its newline; from any thread. Unset: standard output.
  std::function<void(std::string_view)> print;
  std::shared_ptr<spdlog::logger> logger; ///< null: nothing is logged
  /// What processes share; null: an empty one is made.
  std::shared_ptr<services> shared;
  bool log_members = false; ///< fields of the logger module are wanted as JSON as well
  /// Entry id -> what starts a process of another kind, `process.cpp`; null: no such entry.
  std::function<launcher(const std::string& entry_id)> find_launcher;
};

/// What the processes of one entry have done that have ended.
struct entry_totals {
  uint64_t ended = 0;
  uint64_t failed = 0; ///< of these
  uint64_t messages = 0;
  uint64_t busy_ns = 0;
};

class lua_runtime {
 public:
  lua_runtime(hub::node& node, runtime_options options);
  ~lua_runtime();
  lua_runtime(const lua_runtime&) = delete;
  lua_runtime& operator=(const lua_runtime&) = delete;

  /// Starts a process on a host.
  spawn_result spawn(program_ptr program, hub::process_host& where,
                     std::vector<hub::payload> arguments = {}, spawn_options options = {});

  hub::node& node() noexcept { return node_; }
  program_ptr find_program(const std::string& entry_id) const;
  launcher find_launcher(const std::string& entry_id) const;
  hub::process_host* find_host(const std::string& entry_id) const;

  void print(std::string_view line);
  /// Lines of `print` that nobody read in time.
  uint64_t dropped_lines() const noexcept { return sink_.dropped(); }
  bool log_enabled(log_level level) const noexcept;
  /// @param where  entry and line
  /// @param message  of a script, without the fields that `text` ends with; empty: all of `text`
  /// @param members  these fields as members of a JSON object, if `log_members()`
  void log(log_level level, std::string_view where, const hub::pid& who, std::string_view text,
           std::string_view message = {}, std::string_view members = {});
  bool log_members() const noexcept { return options_.log_members; }

  /// A process has ended; by any thread.
  void note_end(const std::string& entry, const entry_totals& did);
  std::map<std::string, entry_totals> ended_totals() const;

  services& shared() noexcept { return *options_.shared; }
  watchdog& dog() noexcept { return dog_; }
  timer_service& timers() noexcept { return timers_; }

 private:
  hub::node& node_;
  runtime_options options_;
  print_sink sink_;
  timer_service timers_;
  watchdog dog_;
  mutable std::mutex ended_mutex_;
  std::map<std::string, entry_totals> ended_;
};

} // namespace natterjack::runtime::lua
