// The Lua module `hash`: digests and message authentication by OpenSSL, FNV for tables.
//
//   hash.md5 sha1 sha256 sha512 (data, raw?)                  hexadecimal, or bytes if `raw`
//   hash.hmac_md5 hmac_sha1 hmac_sha256 hmac_sha512 (data, secret, raw?)
//   hash.fnv32(data) fnv64(data)                              whole number (FNV-1)
//   hash.pbkdf2(password, salt, iterations, length, "sha256" | "sha512")   bytes
//
//   nil, err (INVALID) for what is no text
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/digests.hpp"
#include "runtime/lua/codec/text_codes.hpp"

namespace natterjack::runtime::lua {

namespace {

int push_digest(lua_State* L, std::string& out, bool raw) {
  if (!raw)
    encode_hex(out, out);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

constexpr char md5_name[] = "md5";
constexpr char sha1_name[] = "sha1";
constexpr char sha256_name[] = "sha256";
constexpr char sha512_name[] = "sha512";

template <const char* Name> int hash_digest(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the data must be a text");
  auto& out = context_of(L).scratch;
  if (!digest(Name, text_of(L, 1), out))
    return fail(L, error_kind::internal, "this digest is not available");
  return push_digest(L, out, lua_toboolean(L, 2) != 0);
}

template <const char* Name> int hash_hmac(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the data must be a text");
  if (lua_type(L, 2) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the secret must be a text");
  auto& out = context_of(L).scratch;
  if (!hmac(Name, text_of(L, 2), text_of(L, 1), out))
    return fail(L, error_kind::internal, "this digest is not available");
  return push_digest(L, out, lua_toboolean(L, 3) != 0);
}

int hash_fnv32(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the data must be a text");
  uint32_t value = 2166136261U;
  for (const char c : text_of(L, 1))
    value = (value * 16777619U) ^ static_cast<uint8_t>(c);
  lua_pushinteger(L, value);
  return 1;
}

int hash_fnv64(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the data must be a text");
  uint64_t value = 14695981039346656037ULL;
  for (const char c : text_of(L, 1))
    value = (value * 1099511628211ULL) ^ static_cast<uint8_t>(c);
  lua_pushinteger(L, static_cast<lua_Integer>(value));
  return 1;
}

} // namespace

int open_hash(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"md5", guarded<hash_digest<md5_name>>},
                                    {"sha1", guarded<hash_digest<sha1_name>>},
                                    {"sha256", guarded<hash_digest<sha256_name>>},
                                    {"sha512", guarded<hash_digest<sha512_name>>},
                                    {"hmac_md5", guarded<hash_hmac<md5_name>>},
                                    {"hmac_sha1", guarded<hash_hmac<sha1_name>>},
                                    {"hmac_sha256", guarded<hash_hmac<sha256_name>>},
                                    {"hmac_sha512", guarded<hash_hmac<sha512_name>>},
                                    {"fnv32", guarded<hash_fnv32>},
                                    {"fnv64", guarded<hash_fnv64>},
                                    {"pbkdf2", guarded<push_pbkdf2>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
