#include "runtime/lua/host_api.hpp"

#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/thread_mark.hpp"
#include "runtime/lua/engine/traceback.hpp"
#include "runtime/lua/json/json_errors.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/payload_object.hpp"

#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

// The text of a C++ exception, until it is raised as a Lua error. No destructor, so a longjmp does
// no harm.
thread_local char caught[256] = "";

} // namespace

process_context& context_of(lua_State* L) noexcept {
  return *reinterpret_cast<process_context*>(thread_mark(L) & ~uintptr_t{1});
}

// -- failing ------------------------------------------------------------------

int fail(lua_State* L, error_kind kind, std::string_view text) {
  lua_pushnil(L);
  push_error(L, kind, text);
  return 2;
}

int raise(lua_State* L, const char* text) {
  push_placed(L, text);
  return lua_error(L);
}

void keep_caught(const char* what) noexcept {
  std::snprintf(caught, sizeof caught, "%s", what);
}

int raise_caught(lua_State* L) {
  return luaL_error(L, "%s", caught);
}

// -- values -------------------------------------------------------------------

bool push_payload(lua_State* L, const hub::payload& value, decode_error& error) {
  const auto bytes = value.bytes();
  switch (value.kind()) {
  case hub::payload_kind::nil:
    lua_pushnil(L);
    return true;
  case hub::payload_kind::text:
  case hub::payload_kind::binary:
    lua_pushlstring(L, bytes.data(), bytes.size());
    return true;
  case hub::payload_kind::json:
    return decode_value(L, bytes, error);
  }
  return false;
}

bool read_payload(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept {
  try {
    switch (lua_type(L, index)) {
    case LUA_TNONE:
    case LUA_TNIL:
      out = {};
      return true;
    case LUA_TSTRING: {
      size_t size = 0;
      const char* bytes = lua_tolstring(L, index, &size);
      const std::string_view text(bytes, size);
      out = hub::is_utf8(text) ? hub::payload::text(text) : hub::payload::binary(text);
      return true;
    }
    case LUA_TUSERDATA:
      if (const auto* held = to_payload(L, index)) {
        out = shown_errors(*held);
        return true;
      }
      break;
    default:
      break;
    }
    auto& buffer = encode_buffer();
    if (!encode_value(L, index, buffer, error))
      return false;
    out = hub::payload::json(buffer.view());
    buffer.trim();
    return true;
  } catch (const std::exception& e) {
    error.fault = encode_fault::too_large;
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return false;
  }
}

// -- later --------------------------------------------------------------------

void push_channel(lua_State* L, size_t capacity) {
  push_new_channel(L, capacity);
}

uint64_t start_timer(lua_State* L, int channel_index, int64_t delay_ns, int64_t every_ns) {
  return engine_of(L).add_timer(L, channel_index, delay_ns, every_ns);
}

bool stop_timer(lua_State* L, uint64_t timer) noexcept {
  return engine_of(L).stop_timer(timer);
}

// -- logs and limits ----------------------------------------------------------

bool log_enabled(lua_State* L, log_level level) noexcept {
  return engine_of(L).runtime().log_enabled(level);
}

bool log_members(lua_State* L) noexcept { return engine_of(L).runtime().log_members(); }

void log(lua_State* L, log_level level, std::string_view text, std::string_view message,
         std::string_view members) {
  auto& self = engine_of(L);
  if (!self.runtime().log_enabled(level))
    return;
  auto line = script_line(L);
  if (line.empty())
    line = self.program().chunk_name();
  self.runtime().log(level, line, self.id(), text, message, members);
}

void check_budget(lua_State* L) {
  auto& self = engine_of(L);
  if (self.mark().over != 0 && self.over_budget(L))
    self.leave(L);
}

} // namespace natterjack::runtime::lua
