#include "runtime/lua/program/lua_library.hpp"

#include "runtime/lua/engine/coroutine_library.hpp"
#include "runtime/lua/host_api.hpp"
#include "runtime/lua/lua_texts.hpp"

#include <map>
#include <mutex>
#include <stdexcept>
#include <string>

namespace natterjack::runtime::lua {

namespace {

const char environment_key = 0; // registry: what library files see as globals

int append_bytes(lua_State*, const void* bytes, size_t size, void* out) {
  static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
  return 0;
}

std::string compile(const std::string& name, std::string_view text) {
  auto* L = luaL_newstate();
  std::string code;
  std::string problem;
  const auto chunk = "=" + name;
  if (luaL_loadbufferx(L, text.data(), text.size(), chunk.c_str(), "t") == LUA_OK)
    lua_dump(L, append_bytes, &code, 0);
  else
    problem = lua_tostring(L, -1);
  lua_close(L);
  if (!problem.empty())
    throw std::logic_error(problem);
  return code;
}

// Compiled once for all states. @returns a view that stays
std::string_view code_of(const char* name) {
  static std::mutex mutex;
  static std::map<std::string, std::string, std::less<>> made;
  std::lock_guard guard(mutex);
  auto i = made.find(name);
  if (i == made.end()) {
    const auto text = library_text(name);
    if (text.empty())
      throw std::logic_error(std::string("no library file ") + name);
    i = made.emplace(name, compile(name, text)).first;
  }
  return i->second;
}

// duration -> nanoseconds, or nil and an error
int duration_ns(lua_State* L) {
  int64_t ns = 0;
  const char* why = nullptr;
  if (!read_duration(L, 1, ns, why))
    return fail(L, error_kind::invalid, why);
  lua_pushinteger(L, ns);
  return 1;
}

void push_environment(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &environment_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  constexpr const char* names[] = {"assert",       "error",        "ipairs",  "next",   "pairs",
                                   "pcall",        "rawequal",     "rawget",  "rawset", "select",
                                   "setmetatable", "getmetatable", "tonumber", "tostring", "type",
                                   "string",       "table",        "math",    "coroutine",
                                   "channel",      "process",      "errors",  "payload", "os"};
  lua_createtable(L, 0, 32);
  for (const char* name : names) {
    lua_getglobal(L, name);
    lua_setfield(L, -2, name);
  }
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &environment_key);
  lua_pushcfunction(L, duration_ns);
  lua_setfield(L, -2, "duration_ns");
  push_follow(L);
  lua_setfield(L, -2, "spawn_follower");
  // Words that all of them use.
  const auto code = code_of("words");
  if (luaL_loadbufferx(L, code.data(), code.size(), "=words", "b") != LUA_OK)
    lua_error(L);
  lua_pushvalue(L, -2);
  lua_setupvalue(L, -2, 1);
  lua_call(L, 0, 0);
}

} // namespace

std::string_view library_text(std::string_view name) noexcept {
  for (const auto& one : lua_texts)
    if (one.name == name)
      return one.text;
  return {};
}

void run_library(lua_State* L, const char* name) {
  luaL_checkstack(L, 8, "no room for a module");
  const auto code = code_of(name);
  if (luaL_loadbufferx(L, code.data(), code.size(), name, "b") != LUA_OK) // has its name inside
    lua_error(L);
  push_environment(L);
  lua_setupvalue(L, -2, 1);
  lua_insert(L, -2);
  lua_call(L, 1, 1);
}

} // namespace natterjack::runtime::lua
