// A Lua entry, ready to run: name, code, what it may require, limits. Immutable, shared by all
// states.
//
// The text is compiled once; each state loads the bytecode.
#pragma once

#include "hub/mailbox_room.hpp"
#include "hub/process.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

/// Bounds of one process; fields of an entry's `limits`.
struct lua_limits {
  size_t memory = 64u << 20;              ///< bytes of Lua heap
  std::chrono::milliseconds slice{5};     ///< running before others get their turn
  std::chrono::milliseconds budget{5000}; ///< running without ever waiting
  hub::mailbox_limits mailbox;            ///< of messages not yet received
  size_t timers = 100'000;
  size_t channels = 100'000;
  size_t names = 1000; ///< registered names
  size_t stack = 200;  ///< nested C calls; Lua itself allows no more than 200
};

class lua_program;
using program_ptr = std::shared_ptr<const lua_program>;

/// Where the text of a program is wrong.
struct syntax_error {
  int line = 0; ///< from 1; 0 if the text is too large to be compiled at all
  std::string message;
};

struct program_source {
  std::string id;   ///< entry id, `app.chat:hub.process`
  std::string file; ///< name of the file for tracebacks, `hub.lua`; may be empty
  std::string text;
  std::string method;                         ///< function to call; empty for a library
  std::set<std::string> modules;              ///< names that `require` grants
  std::map<std::string, program_ptr> imports; ///< alias -> library
  lua_limits limits;
  std::optional<hub::relay_dialect> dialect; ///< `meta.relay_payload`
};

class lua_program {
 public:
  /// Compiles. @param error  set when the result is null
  static program_ptr make(program_source source, syntax_error* error = nullptr);

  const std::string& id() const noexcept { return source_.id; }
  const std::string& method() const noexcept { return source_.method; }
  const std::string& text() const noexcept { return source_.text; }
  const lua_limits& limits() const noexcept { return source_.limits; }
  std::optional<hub::relay_dialect> dialect() const noexcept { return source_.dialect; }

  /// `app.chat:hub.process (hub.lua)`, as it stands in tracebacks; at most 59 bytes.
  const std::string& chunk_name() const noexcept { return chunk_name_; }
  std::string_view bytecode() const noexcept { return bytecode_; }

  bool grants(const std::string& module) const { return source_.modules.contains(module); }
  /// The library of this alias, or null.
  program_ptr import(const std::string& alias) const;
  const program_source& source() const noexcept { return source_; }

 private:
  explicit lua_program(program_source source) : source_(std::move(source)) {}

  program_source source_;
  std::string chunk_name_;
  std::string bytecode_;
};

/// Checks a text without keeping anything.
/// @param chunk  name that stands in the message
/// @returns nothing if the text is good Lua
std::optional<syntax_error> check_syntax(std::string_view source, const std::string& chunk);

} // namespace natterjack::runtime::lua
