// The Lua module `metrics`: numbers of the application at `/metrics`.
//
//   counter_inc(name, labels)  counter_add(name, value, labels)      true    nil, err
//   gauge_set(name, value, labels)  gauge_inc  gauge_dec(name, labels)
//   histogram(name, value, labels)
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/metric_shelf.hpp"
#include "runtime/lua/shared/services.hpp"

#include <charconv>

namespace natterjack::runtime::lua {

namespace {

enum class operation : unsigned char { add, subtract, set };

bool read_text(lua_State* L, int index, std::string& out) {
  switch (lua_type(L, index)) {
  case LUA_TSTRING:
    out = text_of(L, index);
    return true;
  case LUA_TBOOLEAN:
    out = lua_toboolean(L, index) != 0 ? "true" : "false";
    return true;
  case LUA_TNUMBER: { // lua_tolstring would change the key that lua_next goes on from
    char text[32];
    const auto end = lua_isinteger(L, index)
                         ? std::to_chars(text, text + sizeof text, lua_tointeger(L, index)).ptr
                         : std::to_chars(text, text + sizeof text, lua_tonumber(L, index)).ptr;
    out.assign(text, end);
    return true;
  }
  default:
    return false;
  }
}

// Labels that are neither texts nor numbers nor booleans are left out.
// @returns empty, or what is wrong with them
std::string read_labels(lua_State* L, int index, metric_labels& out) {
  if (lua_isnoneornil(L, index))
    return {};
  if (!lua_istable(L, index))
    return std::string("labels must be a table of name = value, got a ") + luaL_typename(L, index);
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    std::pair<std::string, std::string> one;
    if (lua_type(L, -2) == LUA_TSTRING && read_text(L, -2, one.first) &&
        read_text(L, -1, one.second))
      out.push_back(std::move(one));
    lua_pop(L, 1);
  }
  return {};
}

bool change(engine& self, lua_State* L, metric_kind kind, operation what, double value, int labels) {
  metric_labels said;
  self.scratch = read_labels(L, labels, said);
  if (!self.scratch.empty())
    return false;
  auto& shelf = self.runtime().shared().of<metric_shelf>();
  const auto name = text_of(L, 1);
  self.scratch = what == operation::set
                     ? shelf.set(name, std::move(said), value)
                     : shelf.add(kind, name, std::move(said), what == operation::add ? value : -value);
  return self.scratch.empty();
}

int run(lua_State* L, metric_kind kind, operation what, bool takes_value) {
  lua_settop(L, 4);
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "the name of a metric must be a text");
  if (takes_value && lua_type(L, 2) != LUA_TNUMBER)
    return fail(L, error_kind::invalid, "the value of a metric must be a number, behind its name");
  luaL_checkstack(L, 4, nullptr);
  if (!change(engine_of(L), L, kind, what, takes_value ? lua_tonumber(L, 2) : 1, takes_value ? 3 : 2))
    return fail(L, error_kind::invalid, engine_of(L).scratch);
  lua_pushboolean(L, 1);
  return 1;
}

int counter_inc(lua_State* L) { return run(L, metric_kind::counter, operation::add, false); }
int counter_add(lua_State* L) { return run(L, metric_kind::counter, operation::add, true); }
int gauge_set(lua_State* L) { return run(L, metric_kind::gauge, operation::set, true); }
int gauge_inc(lua_State* L) { return run(L, metric_kind::gauge, operation::add, false); }
int gauge_dec(lua_State* L) { return run(L, metric_kind::gauge, operation::subtract, false); }
int histogram(lua_State* L) { return run(L, metric_kind::histogram, operation::add, true); }

} // namespace

int open_metrics(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"counter_inc", guarded<counter_inc>},
                                    {"counter_add", guarded<counter_add>},
                                    {"gauge_set", guarded<gauge_set>},
                                    {"gauge_inc", guarded<gauge_inc>},
                                    {"gauge_dec", guarded<gauge_dec>},
                                    {"histogram", guarded<histogram>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
