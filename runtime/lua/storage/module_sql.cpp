// The Lua module `sql`; its shape stands in library/sql.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/call_bound.hpp"
#include "runtime/lua/codec/text_codes.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/handle.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/raw_field.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/storage/sqlite_database.hpp"

namespace natterjack::runtime::lua {

namespace {

const char guard_key = 0; // registry: metatable of transaction guards

struct transaction_guard {
  std::shared_ptr<sqlite_database> database;
  lua_runtime* runtime = nullptr;
  uint64_t number = 0; ///< 0: it is over
  uint64_t bound = 0;
};

std::shared_ptr<sqlite_database> find_database(engine& self, std::string_view id) {
  const auto& all = self.runtime().shared().of<database_shelf>().databases;
  auto i = all.find(std::string(id));
  return i == all.end() ? nullptr : i->second;
}

// The value on top of the stack. Tables are {blob = bytes}, light userdata is NULL.
bool read_value(lua_State* L, sql_value& out) {
  switch (lua_type(L, -1)) {
  case LUA_TNIL:
  case LUA_TLIGHTUSERDATA:
    return true;
  case LUA_TBOOLEAN:
    out = static_cast<int64_t>(lua_toboolean(L, -1));
    return true;
  case LUA_TNUMBER:
    if (lua_isinteger(L, -1))
      out = static_cast<int64_t>(lua_tointeger(L, -1));
    else
      out = lua_tonumber(L, -1);
    return true;
  case LUA_TSTRING: {
    std::string text(text_of(L, -1));
    if (hub::is_utf8(text))
      out = std::move(text);
    else
      out = sql_blob{std::move(text)};
    return true;
  }
  case LUA_TTABLE: {
    const bool is_blob = raw_field(L, -1, "blob") == LUA_TSTRING;
    if (is_blob)
      out = sql_blob{std::string(text_of(L, -1))};
    lua_pop(L, 1);
    return is_blob;
  }
  default:
    return false;
  }
}

struct outcome {
  bool good = false;
  error_kind kind = error_kind::invalid;
};

// The transaction whose guard stands at `index`; 0: there is none.
uint64_t transaction_at(lua_State* L, int index) noexcept {
  const auto* guard = static_cast<transaction_guard*>(to_handle(L, index, &guard_key));
  return guard == nullptr ? 0 : guard->number;
}

// id, operation, text, {n =, value…}, guard of a transaction
outcome start(engine& self, lua_State* L, const reply_address& to) {
  auto database = find_database(self, text_of(L, 1));
  if (!database) {
    self.scratch = "no db.sql.sqlite entry '" + std::string(text_of(L, 1)) + "'";
    return {false, error_kind::not_found};
  }
  sql_statement statement;
  statement.what = static_cast<sql_operation>(lua_tointeger(L, 2));
  statement.text = text_of(L, 3);
  if (lua_istable(L, 4)) {
    raw_field(L, 4, "n");
    const auto count = lua_tointeger(L, -1);
    lua_pop(L, 1);
    for (lua_Integer i = 1; i <= count; ++i) {
      lua_rawgeti(L, 4, i);
      const bool fine = read_value(L, statement.values.emplace_back());
      const char* found = luaL_typename(L, -1);
      lua_pop(L, 1);
      if (!fine) {
        self.scratch = "parameter " + std::to_string(i) + " is a " + found +
                       "; expected a text, a number, a boolean, sql.NULL or a value of sql.as";
        return {};
      }
    }
  }
  statement.transaction = transaction_at(L, 5);
  database->submit(*self.runtime().shared().work, std::move(statement), [to](sql_outcome result) {
    if (result.why.text.empty())
      answer(to, {std::move(result.value)});
    else
      answer_error(to, result.why);
  });
  return {true, {}};
}

int run(lua_State* L) {
  lua_settop(L, 5);
  auto& self = engine_of(L);
  const auto to = expect_answer(L);
  const auto result = start(self, L, to);
  if (result.good)
    return await_answer(L);
  forget_answer(L, to);
  return fail(L, result.kind, self.scratch);
}

// -- transactions: whoever forgets one rolls back ---------------------------------
// When the garbage is collected, and with the call it was begun in: while it is open nobody else is served.

void roll_back(transaction_guard& guard) {
  sql_statement back;
  back.what = sql_operation::end;
  back.text = "ROLLBACK";
  back.transaction = std::exchange(guard.number, 0);
  if (guard.database && back.transaction != 0)
    guard.database->submit(*guard.runtime->shared().work, std::move(back), [](sql_outcome) {});
}

int collect_guard(lua_State* L) {
  auto& guard = *static_cast<transaction_guard*>(lua_touserdata(L, 1));
  forget_bound(L, guard.bound);
  roll_back(guard);
  guard.~transaction_guard();
  return 0;
}

void take_number(lua_State* L, std::string_view id, transaction_guard& guard) {
  auto& self = engine_of(L);
  guard.database = find_database(self, id);
  guard.runtime = &self.runtime();
  guard.number = guard.database ? guard.database->next_transaction() : 0;
  guard.bound = bind_to_call(L, [&guard] { roll_back(guard); });
}

// id -> guard
int open_guard(lua_State* L) {
  text_argument(L, 1);
  prepare_to_bind(L);
  auto* made = new (lua_newuserdatauv(L, sizeof(transaction_guard), 0)) transaction_guard;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &guard_key);
  lua_setmetatable(L, -2);
  take_number(L, text_of(L, 1), *made);
  return 1;
}

int close_guard(lua_State* L) {
  auto& guard = check_handle<transaction_guard>(L, 1, &guard_key, "a transaction");
  forget_bound(L, guard.bound);
  guard.number = 0;
  return 0;
}

int has_database(lua_State* L) {
  const auto known = [L] { return find_database(engine_of(L), text_of(L, 1)) != nullptr; };
  lua_pushboolean(L, known());
  return 1;
}

int decode_blob(lua_State* L) {
  auto& out = context_of(L).scratch;
  decode_base64_text(text_argument(L, 1), out);
  lua_pushlstring(L, out.data(), out.size());
  return 1;
}

} // namespace

int open_sql(lua_State* L) {
  make_handle_class(L, &guard_key, collect_guard);
  constexpr luaL_Reg functions[] = {{"run", guarded<run>},
                                    {"open_guard", guarded<open_guard>},
                                    {"close_guard", close_guard},
                                    {"has_database", guarded<has_database>},
                                    {"decode_blob", guarded<decode_blob>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  lua_pushlightuserdata(L, const_cast<char*>(&guard_key));
  lua_setfield(L, -2, "NULL");
  lua_pushvalue(L, -1);
  run_library(L, "sql_builder");
  lua_setfield(L, -2, "builder");
  run_library(L, "sql");
  return 1;
}

} // namespace natterjack::runtime::lua
