// `require`: native modules the entry is granted, its imports, and the global tables by name.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/program/sandbox.hpp"
#include "runtime/lua/shared/module_amqp.hpp"
#include "runtime/lua/time/time_library.hpp"

#include <algorithm>
#include <cstring>

namespace natterjack::runtime::lua {

int open_system(lua_State* L);   // module_system.cpp
int open_compress(lua_State* L); // module_compress.cpp


namespace {

const char loaded_key = 0;

struct native_module {
  std::string_view name;
  lua_CFunction open;
};

// Streams come from requests, answers and files; there is nothing to ask the module itself for.
int open_nothing(lua_State* L) {
  lua_newtable(L);
  return 1;
}

constexpr native_module native_modules[] = {
    {"amqp", open_amqp},
    {"base64", open_base64},     {"compress", open_compress},
    {"crypto", open_crypto},     {"ctx", open_ctx},
    {"env", open_env},           {"events", open_events}, {"funcs", open_funcs},
    {"fs", open_fs},             {"hash", open_hash},     {"http", open_http},
    {"http_client", open_http_client}, {"io", open_io},   {"json", open_json_module},
    {"logger", open_logger},     {"metrics", open_metrics}, {"pg", open_pg_module},
    {"queue", open_queue},       {"registry", open_registry}, {"security", open_security},
    {"sql", open_sql},           {"store", open_store},   {"stream", open_nothing},
    {"system", open_system},   {"time", open_time},
    {"uuid", open_uuid},         {"websocket", open_websocket}, {"yaml", open_yaml}};

// Present without being listed; listing them does no harm.
constexpr std::string_view global_modules[] = {"process", "channel", "payload",   "errors",
                                               "pubsub",  "string",  "coroutine", "table",
                                               "math",    "os"};

bool is_global(std::string_view name) noexcept {
  return std::find(std::begin(global_modules), std::end(global_modules), name) !=
         std::end(global_modules);
}

const native_module* find_native(std::string_view name) noexcept {
  for (const auto& one : native_modules)
    if (one.name == name)
      return &one;
  return nullptr;
}

// Pushes the table of what was loaded in this state.
void push_loaded(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &loaded_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  lua_newtable(L);
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &loaded_key);
}

// Stack: 1 name, 2 loaded, 3 key, 4 what the chunk returned.
int library_loaded(lua_State* L, int, lua_KContext) {
  if (lua_isnil(L, 4)) {
    lua_pushboolean(L, 1); // as with any Lua: a library may have nothing to return
    lua_replace(L, 4);
  }
  lua_pushvalue(L, 3);
  lua_pushvalue(L, 4);
  lua_rawset(L, 2);
  return 1;
}

int load_library(lua_State* L, const lua_program& library) {
  push_loaded(L);
  lua_pushfstring(L, "import %s", library.id().c_str());
  lua_pushvalue(L, 3);
  if (lua_rawget(L, 2) != LUA_TNIL)
    return 1;
  lua_pop(L, 1);
  const auto code = library.bytecode();
  if (luaL_loadbufferx(L, code.data(), code.size(), library.chunk_name().c_str(), "b") != LUA_OK)
    return lua_error(L);
  // Its `require` grants what the library lists; all else it shares with the process.
  lua_createtable(L, 0, 1);
  push_require(L, library);
  lua_setfield(L, -2, "require");
  lua_createtable(L, 0, 2);
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__index");
  lua_pushglobaltable(L);
  lua_setfield(L, -2, "__newindex");
  lua_setmetatable(L, -2);
  lua_setupvalue(L, -2, 1);
  lua_callk(L, 0, 1, 0, library_loaded);
  return library_loaded(L, LUA_OK, 0);
}

int load_native(lua_State* L, const native_module& module) {
  push_loaded(L);
  lua_pushvalue(L, 1);
  if (lua_rawget(L, 2) != LUA_TNIL)
    return 1;
  lua_pop(L, 1);
  lua_pushcfunction(L, module.open);
  lua_call(L, 0, 1);
  protect_table(L, module.name.data());
  lua_pushvalue(L, 1);
  lua_pushvalue(L, -2);
  lua_rawset(L, 2);
  return 1;
}

int require(lua_State* L) {
  const auto& program = *static_cast<const lua_program*>(lua_touserdata(L, lua_upvalueindex(1)));
  if (lua_isstring(L, 1) == 0)
    return raise(L, lua_pushfstring(L, "require takes the name of a module, got %s", luaL_typename(L, 1)));
  const char* name = lua_tostring(L, 1);
  lua_settop(L, 1);
  if (const auto* library = program.import(name).get())
    return load_library(L, *library);
  if (is_global(name)) {
    lua_getglobal(L, name);
    return 1;
  }
  const auto* native = find_native(name);
  if (native == nullptr)
    return raise(L, lua_pushfstring(L,
                                    "module '%s' not found: %s has no import of that name, and no native "
                                    "module is called so; a file of your own is a library.lua entry that "
                                    "`imports` names",
                                    name, program.id().c_str()));
  if (!program.grants(name))
    return raise(L, lua_pushfstring(L, "module '%s' is not granted: add it to `modules` of %s", name,
                                    program.id().c_str()));
  return load_native(L, *native);
}

} // namespace

void push_require(lua_State* L, const lua_program& program) {
  lua_pushlightuserdata(L, const_cast<lua_program*>(&program));
  lua_pushcclosure(L, guarded<require>, 1);
}

bool is_module(std::string_view name) noexcept {
  return is_global(name) || find_native(name) != nullptr;
}

} // namespace natterjack::runtime::lua
