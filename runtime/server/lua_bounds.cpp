#include "runtime/server/lua_bounds.hpp"

#include <algorithm>

namespace natterjack::runtime {

lua::lua_limits to_lua(const lua_limits& from) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  lua::lua_limits limits;
  limits.memory = from.memory;
  limits.slice = std::max(duration_cast<milliseconds>(from.slice), milliseconds(1));
  limits.budget = std::max(duration_cast<milliseconds>(from.budget), milliseconds(1));
  limits.mailbox = {from.mailbox, from.mailbox_bytes};
  limits.timers = from.timers;
  limits.channels = from.channels;
  limits.names = from.names;
  limits.stack = from.stack;
  return limits;
}

lua::pool_options to_lua(const pool_options& from) {
  lua::pool_options to;
  to.buffer = from.buffer;
  to.workers = from.states;
  to.kept = from.kept;
  if (from.type == pool_type::static_)
    to.prepared = from.states;
  return to;
}

} // namespace natterjack::runtime
