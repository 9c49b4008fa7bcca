// The Lua module `store`; its shape stands in library/store.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/answering_work.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/storage/key_value_store.hpp"

namespace natterjack::runtime::lua {

namespace {

enum class start_outcome : uint8_t { refused, here, waiting };

struct started {
  start_outcome how = start_outcome::refused;
  error_kind kind = error_kind::invalid;
};

std::shared_ptr<key_value_store> find_store(engine& self, std::string_view id) {
  const auto& stores = self.runtime().shared().of<store_shelf>().stores;
  auto i = stores.find(std::string(id));
  return i == stores.end() ? nullptr : i->second;
}

// id, operation, key, value, {ttl, only_if_absent, if_version, prefix, limit}
bool read_request(lua_State* L, store_request& out, encode_error& error) {
  out.what = static_cast<store_operation>(lua_tointeger(L, 2));
  out.key = text_of(L, 3);
  if (!read_payload(L, 4, out.value, error))
    return false;
  if (!lua_istable(L, 5))
    return true;
  lua_getfield(L, 5, "ttl");
  out.ttl_s = lua_tonumber(L, -1);
  lua_getfield(L, 5, "only_if_absent");
  out.only_if_absent = lua_toboolean(L, -1) != 0;
  lua_getfield(L, 5, "if_version");
  out.if_version = text_of(L, -1);
  lua_getfield(L, 5, "prefix");
  out.prefix = text_of(L, -1);
  lua_getfield(L, 5, "limit");
  out.limit = static_cast<size_t>(std::max<lua_Integer>(lua_tointeger(L, -1), 0));
  lua_pop(L, 5);
  return true;
}

// What came of it stays in this userdata: pushing may raise.
struct result_object {
  store_result held;
};

int collect_result(lua_State* L) {
  static_cast<result_object*>(lua_touserdata(L, 1))->~result_object();
  return 0;
}

void work_elsewhere(engine& self, std::shared_ptr<key_value_store> store, store_request request,
                    const reply_address& to) {
  run_answering(*self.runtime().shared().work, to,
                [store = std::move(store), request = std::move(request), to] {
                  auto result = store->run(request);
                  if (result.why.text.empty())
                    answer(to, std::move(result.values));
                  else
                    answer_error(to, result.why);
                });
}

started start(engine& self, lua_State* L, result_object& here, const reply_address& to) {
  store_request request;
  encode_error error;
  if (!read_request(L, request, error)) {
    self.scratch = error.text;
    return {};
  }
  auto store = find_store(self, text_of(L, 1));
  if (!store) {
    self.scratch = "no store '" + std::string(text_of(L, 1)) + "'";
    return {start_outcome::refused, error_kind::not_found};
  }
  if (to) {
    work_elsewhere(self, std::move(store), std::move(request), to);
    return {start_outcome::waiting, {}};
  }
  here.held = store->run(request);
  return {start_outcome::here, {}};
}

bool store_blocks(engine& self, std::string_view id) {
  auto store = find_store(self, id);
  return store && store->blocks();
}

int run(lua_State* L) {
  lua_settop(L, 5);
  auto& self = engine_of(L);
  auto* here = new (lua_newuserdatauv(L, sizeof(result_object), 0)) result_object;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, collect_result);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  reply_address to;
  if (store_blocks(self, text_of(L, 1)))
    to = expect_answer(L);
  const auto how = start(self, L, *here, to);
  if (how.how == start_outcome::waiting)
    return await_answer(L);
  if (how.how == start_outcome::refused) {
    if (to)
      forget_answer(L, to);
    return fail(L, how.kind, self.scratch);
  }
  const auto& result = here->held;
  if (!result.why.text.empty()) {
    lua_pushnil(L);
    here->held.values = failure_values(result.why);
    push_failure(L, result.values);
    return 2;
  }
  luaL_checkstack(L, static_cast<int>(result.values.size()) + 4, "too many values");
  decode_error error;
  for (const auto& value : result.values)
    if (!push_payload(L, value, error))
      lua_pushnil(L);
  return static_cast<int>(result.values.size());
}

bool knows(engine& self, std::string_view id) {
  return find_store(self, id) != nullptr;
}

int has_store(lua_State* L) {
  lua_pushboolean(L, knows(engine_of(L), text_argument(L, 1)));
  return 1;
}

} // namespace

int open_store(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"run", guarded<run>}, {"has_store", guarded<has_store>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "store");
  return 1;
}

} // namespace natterjack::runtime::lua
