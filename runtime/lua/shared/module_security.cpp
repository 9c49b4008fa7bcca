// The Lua module `security`; its shape stands in library/security.lua.
#include "runtime/config/expression.hpp"
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/digests.hpp"
#include "runtime/lua/codec/text_codes.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/security_shelf.hpp"
#include "runtime/lua/shared/services.hpp"

#include <openssl/crypto.h>

namespace natterjack::runtime::lua {

namespace {

security_shelf& shelf_of(lua_State* L) {
  return engine_of(L).runtime().shared().of<security_shelf>();
}

// -> actor {id, meta} or nil, scope {policy id…} or nil, of this call
int current(lua_State* L) {
  const auto& context = engine_of(L).context;
  decode_error error;
  if (!context || !push_payload(L, context->actor, error))
    lua_pushnil(L);
  if (!context || !push_payload(L, context->scope, error))
    lua_pushnil(L);
  return 2;
}

const hub::payload* find_policy(lua_State* L) {
  const auto& all = shelf_of(L).policies;
  auto i = all.find(std::string(text_of(L, 1)));
  return i == all.end() ? nullptr : &i->second;
}

int policy(lua_State* L) {
  const auto* found = find_policy(L);
  decode_error error;
  if (found == nullptr || !push_payload(L, *found, error))
    return 0;
  return 1;
}

enum class judgement : uint8_t { holds, does_not, failed };

// Whether the expression of a policy is true for the facts at 2; why not is in `scratch`.
judgement judge(engine& self, lua_State* L) {
  const auto& all = shelf_of(L).expressions;
  const auto found = all.find(std::string(text_of(L, 1)));
  encode_error error;
  auto& buffer = encode_buffer();
  if (found == all.end() || !found->second || !encode_value(L, 2, buffer, error)) {
    self.scratch = found == all.end() ? "no such expression" : error.text;
    return judgement::failed;
  }
  const auto facts = nlohmann::json::parse(buffer.view(), nullptr, false);
  buffer.trim();
  const auto result = found->second->holds(facts, self.scratch);
  return !result ? judgement::failed : *result ? judgement::holds : judgement::does_not;
}

// policy id, facts -> boolean; nil, why
int holds(lua_State* L) {
  auto& self = engine_of(L);
  const auto said = judge(self, L);
  if (said == judgement::failed) {
    lua_pushnil(L);
    lua_pushlstring(L, self.scratch.data(), self.scratch.size());
    return 2;
  }
  lua_pushboolean(L, said == judgement::holds);
  return 1;
}

const std::vector<std::string>* find_group(lua_State* L) {
  const auto& all = shelf_of(L).groups;
  auto i = all.find(std::string(text_of(L, 1)));
  return i == all.end() ? nullptr : &i->second;
}

int group(lua_State* L) {
  const auto* found = find_group(L);
  if (found == nullptr)
    return 0;
  lua_createtable(L, static_cast<int>(found->size()), 0);
  lua_Integer place = 0;
  for (const auto& id : *found) {
    lua_pushlstring(L, id.data(), id.size());
    lua_rawseti(L, -2, ++place);
  }
  return 1;
}

const token_store_settings* find_token_store(lua_State* L) {
  const auto& all = shelf_of(L).token_stores;
  auto i = all.find(std::string(text_of(L, 1)));
  return i == all.end() ? nullptr : &i->second;
}

int token_store(lua_State* L) {
  const auto* found = find_token_store(L);
  if (found == nullptr)
    return 0;
  lua_createtable(L, 0, 4);
  lua_pushlstring(L, found->store.data(), found->store.size());
  lua_setfield(L, -2, "store");
  lua_pushinteger(L, static_cast<lua_Integer>(found->token_length));
  lua_setfield(L, -2, "length");
  lua_pushnumber(L, found->expiration_s);
  lua_setfield(L, -2, "expiration");
  lua_pushlstring(L, found->token_key.data(), found->token_key.size());
  lua_setfield(L, -2, "key");
  return 1;
}

bool make_token(std::string& out, size_t length) {
  std::string bytes;
  if (!random_bytes(length, bytes))
    return false;
  encode_base64_text(bytes, out, true);
  return true;
}

int new_token(lua_State* L) {
  auto& out = context_of(L).scratch;
  if (!make_token(out, static_cast<size_t>(luaL_checkinteger(L, 1))))
    return luaL_error(L, "no random bytes are available");
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

void sign(lua_State* L, std::string& out) {
  std::string code;
  hmac("sha256", text_of(L, 1), text_of(L, 2), code);
  encode_base64_text(code, out, true);
}

int signature(lua_State* L) {
  text_argument(L, 1);
  text_argument(L, 2);
  auto& out = context_of(L).scratch;
  sign(L, out);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

// key, text, signature -> boolean. In the same time wherever it is wrong, so that none can be found out byte
// by byte.
int is_signature(lua_State* L) {
  const auto said = text_argument(L, 3);
  signature(L);
  const auto right = text_of(L, -1);
  lua_pushboolean(L, said.size() == right.size() &&
                         CRYPTO_memcmp(said.data(), right.data(), right.size()) == 0);
  return 1;
}

} // namespace

int open_security(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"current", guarded<current>},
                                    {"policy", guarded<policy>},
                                    {"group", guarded<group>},
                                    {"holds", guarded<holds>},
                                    {"token_store", guarded<token_store>},
                                    {"new_token", guarded<new_token>},
                                    {"signature", guarded<signature>},
                                    {"is_signature", guarded<is_signature>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  lua_pushcfunction(L, open_store);
  lua_call(L, 0, 1);
  lua_setfield(L, -2, "store");
  run_library(L, "security");
  return 1;
}

} // namespace natterjack::runtime::lua
