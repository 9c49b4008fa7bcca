#include "runtime/lua/json/module_json.hpp"

#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/json/json_codec.hpp"

namespace natterjack::runtime::lua {

namespace {

int json_encode(lua_State* L) {
  lua_settop(L, 1); // nothing is nil
  byte_buffer& buffer = encode_buffer();
  encode_error error;
  if (!encode_value(L, 1, buffer, error))
    return fail(L, error_kind::internal, error.text);
  lua_pushlstring(L, buffer.data(), buffer.size());
  return 1;
}

int json_decode(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail_with(L, error_kind::invalid, "json.decode takes a text, got %s",
                     luaL_typename(L, 1));
  size_t length = 0;
  const char* text = lua_tolstring(L, 1, &length);
  if (length == 0)
    return fail(L, error_kind::invalid, "json.decode: the text is empty");
  decode_error error;
  if (!decode_value(L, {text, length}, error))
    return fail_with(L, error_kind::internal, "json.decode: %s", error.text);
  return 1;
}

} // namespace

int open_json(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"encode", guarded<json_encode>}, {"decode", guarded<json_decode>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
