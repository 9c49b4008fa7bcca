// The Lua module `base64`: the standard alphabet of RFC 4648, padded.
//
//   base64.encode(bytes)   text            nil, err (INVALID): no text
//   base64.decode(text)    bytes           nil, err (INVALID): a byte that is none of the alphabet
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/text_codes.hpp"

namespace natterjack::runtime::lua {

namespace {

int base64_encode(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "base64.encode takes a text");
  auto& out = context_of(L).scratch;
  encode_base64_text(text_of(L, 1), out, false);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

int base64_decode(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "base64.decode takes a text");
  auto& out = context_of(L).scratch;
  if (!decode_base64_text(text_of(L, 1), out))
    return fail(L, error_kind::invalid, "base64.decode: this is not base64");
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

} // namespace

int open_base64(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"encode", guarded<base64_encode>},
                                    {"decode", guarded<base64_decode>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
