// A plain Lua state with the modules in it and a small host around it, for tests without the
// engine.
#pragma once

#include "runtime/lua/host_api.hpp"

#include <memory>
#include <string>

namespace natterjack::tests {

class test_state {
 public:
  /// @param home  where processes and groups are; null: nothing may ask for it
  explicit test_state(hub::node* home = nullptr);
  ~test_state();
  test_state(const test_state&) = delete;
  test_state& operator=(const test_state&) = delete;

  lua_State* L;

  /// Runs a chunk and gives its first result as text; a raised error as "error: <text>".
  std::string run(const std::string& chunk);

  /// Answers this request from now on.
  runtime::lua::http_exchange& serve(relay::http_request request);

  /// Runs as this process from now on.
  void act_as(const hub::pid& id);

  /// What was logged since the last call, one line for each, "level text".
  std::string take_log();
  /// Members of the last line's fields, as JSON.
  std::string log_members() const;

  struct context;
  std::unique_ptr<context> host;
};

} // namespace natterjack::tests
