// Openers of the modules that reach the application: each pushes the module's table.
#pragma once

#include "runtime/lua/reply.hpp"
#include "runtime/lua/text_argument.hpp"

namespace natterjack::runtime::lua {

int open_base64(lua_State* L);
int open_crypto(lua_State* L);
int open_ctx(lua_State* L);
int open_env(lua_State* L);
int open_events(lua_State* L);
int open_funcs(lua_State* L);
int open_fs(lua_State* L);
int open_hash(lua_State* L);
int open_http_client(lua_State* L);
int open_io(lua_State* L);
int open_json_module(lua_State* L);
int open_metrics(lua_State* L);
int open_pg_module(lua_State* L);
int open_queue(lua_State* L);
int open_registry(lua_State* L);
int open_security(lua_State* L);
int open_sql(lua_State* L);
int open_store(lua_State* L);
int open_uuid(lua_State* L);
int open_websocket(lua_State* L);
int open_yaml(lua_State* L);

/// A random UUID as text. @returns false if there are no random bytes
bool make_random_uuid(std::string& out);
/// hash.pbkdf2 and crypto.pbkdf2.
int push_pbkdf2(lua_State* L);

/// Puts a table of these functions into the one on top of the stack.
/// @param functions  ends with nulls
template <size_t N> void set_table(lua_State* L, const char* name, const luaL_Reg (&functions)[N]) {
  lua_createtable(L, 0, static_cast<int>(N) - 1);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, name);
}

/// Reads the values from `first` to the top. @returns false with `error`, for the value at fault
bool read_payloads(lua_State* L, int first, std::vector<hub::payload>& out, encode_error& error);

/// Adds the members of the table at `index` (text keys) to a copy of `base`. Never raises.
/// @returns false with `error` if a value has no JSON form
struct call_context;
bool extend_context(lua_State* L, int index, std::shared_ptr<const call_context>& base,
                    encode_error& error);

} // namespace natterjack::runtime::lua
