// The loops of the library `table`, with a bound. They respect metamethods, as Lua 5.4 does.
#include "runtime/lua/base/shims.hpp"

namespace natterjack::runtime::lua {

namespace {

enum access : unsigned { reads = 1, writes = 2, counts = 4 };

// A table, or something whose metamethods make it one for this purpose.
void check_table(lua_State* L, int index, unsigned uses) {
  if (lua_type(L, index) == LUA_TTABLE)
    return;
  if (lua_getmetatable(L, index) != 0) {
    const int metatable = lua_gettop(L);
    const auto has = [L, metatable](const char* name) {
      lua_pushstring(L, name);
      return lua_rawget(L, metatable) != LUA_TNIL;
    };
    const bool fits = ((uses & reads) == 0 || has("__index")) &&
                      ((uses & writes) == 0 || has("__newindex")) &&
                      ((uses & counts) == 0 || has("__len"));
    lua_settop(L, metatable - 1);
    if (fits)
      return;
  }
  luaL_checktype(L, index, LUA_TTABLE);
}

lua_Integer length_of(lua_State* L, int index, unsigned uses) {
  check_table(L, index, uses | counts);
  return luaL_len(L, index);
}

void check_count(lua_State* L, const char* function, lua_Unsigned count) {
  if (count > static_cast<lua_Unsigned>(table_elements_max))
    luaL_error(L, "table.%s: more than %d elements in one call", function,
               static_cast<int>(table_elements_max));
}

int table_insert(lua_State* L) {
  const int arguments = lua_gettop(L);
  const lua_Integer end =
      static_cast<lua_Integer>(static_cast<lua_Unsigned>(length_of(L, 1, reads | writes)) + 1);
  if (arguments == 2) {
    lua_seti(L, 1, end);
    return 0;
  }
  if (arguments != 3)
    return luaL_error(L, "wrong number of arguments to 'insert'");
  const lua_Integer position = check_whole(L, 2);
  if (position < 1 || position > end) { // nothing stands there that would have to make room
    lua_seti(L, 1, position);
    return 0;
  }
  check_count(L, "insert", static_cast<lua_Unsigned>(end - position));
  step_meter meter(L);
  for (lua_Integer i = end; i > position; --i) {
    lua_geti(L, 1, i - 1);
    lua_seti(L, 1, i);
    meter.step();
  }
  lua_seti(L, 1, position);
  return 0;
}

int table_remove(lua_State* L) {
  const lua_Integer size = length_of(L, 1, reads | writes);
  lua_Integer position = lua_isnoneornil(L, 2) ? size : check_whole(L, 2);
  if (position != size && (position < 1 || position - 1 > size)) {
    lua_pushnil(L); // there is nothing to remove
    return 1;
  }
  if (position < size)
    check_count(L, "remove", static_cast<lua_Unsigned>(size - position));
  lua_geti(L, 1, position);
  step_meter meter(L);
  for (; position < size; ++position) {
    lua_geti(L, 1, position + 1);
    lua_seti(L, 1, position);
    meter.step();
  }
  lua_pushnil(L);
  lua_seti(L, 1, position);
  return 1;
}

int table_move(lua_State* L) {
  const lua_Integer first = luaL_checkinteger(L, 2);
  const lua_Integer last = luaL_checkinteger(L, 3);
  const lua_Integer to = luaL_checkinteger(L, 4);
  const int target = lua_isnoneornil(L, 5) ? 1 : 5;
  check_table(L, 1, reads);
  check_table(L, target, writes);
  if (last >= first) {
    luaL_argcheck(L, first > 0 || last < LUA_MAXINTEGER + first, 3, "too many elements to move");
    const lua_Integer count = last - first + 1;
    luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
    check_count(L, "move", static_cast<lua_Unsigned>(count));
    const bool forward =
        to > last || to <= first || (target != 1 && lua_compare(L, 1, target, LUA_OPEQ) == 0);
    step_meter meter(L);
    for (lua_Integer i = 0; i < count; ++i) {
      const lua_Integer offset = forward ? i : count - 1 - i; // an overlap must not be overwritten
      lua_geti(L, 1, first + offset);
      lua_seti(L, target, to + offset);
      meter.step();
    }
  }
  lua_pushvalue(L, target);
  return 1;
}

int table_concat(lua_State* L) {
  const lua_Integer size = length_of(L, 1, reads);
  size_t between = 0;
  const char* separator = luaL_optlstring(L, 2, "", &between);
  const lua_Integer first = luaL_optinteger(L, 3, 1);
  const lua_Integer last = luaL_optinteger(L, 4, size);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  step_meter meter(L);
  if (first <= last) {
    const lua_Unsigned count =
        static_cast<lua_Unsigned>(last) - static_cast<lua_Unsigned>(first) + 1;
    for (lua_Unsigned i = 0; i < count || count == 0; ++i) { // 0: all 2^64, an error comes first
      const auto index = static_cast<lua_Integer>(static_cast<lua_Unsigned>(first) + i);
      check_count(L, "concat", i);
      lua_geti(L, 1, index);
      if (lua_isstring(L, -1) == 0)
        return luaL_error(L, "invalid value (%s) at index %I in table for 'concat'",
                          luaL_typename(L, -1), static_cast<LUAI_UACINT>(index));
      luaL_addvalue(&out);
      if (i + 1 != count)
        luaL_addlstring(&out, separator, between);
      meter.step();
    }
  }
  luaL_pushresult(&out);
  return 1;
}

// -- sort -----------------------------------------------------------------------------------------
// Merges runs through a second table: safe under any comparison function, the number of steps does
// not depend on the values.

constexpr int sorted = 1;
constexpr int less_function = 2;
constexpr int spare = 3;
constexpr lua_Integer run_size = 8;

// Is the value at `a` to stand before the one at `b`?
bool is_less(lua_State* L, int a, int b) {
  if (lua_isnil(L, less_function))
    return lua_compare(L, a, b, LUA_OPLT) != 0;
  lua_pushvalue(L, less_function);
  lua_pushvalue(L, a);
  lua_pushvalue(L, b);
  lua_call(L, 2, 1);
  const bool less = lua_toboolean(L, -1) != 0;
  lua_pop(L, 1);
  return less;
}

// Sorts [first, end) by insertion.
void sort_run(lua_State* L, lua_Integer first, lua_Integer end, step_meter& meter) {
  for (lua_Integer i = first + 1; i < end; ++i) {
    lua_geti(L, sorted, i);
    const int moving = lua_gettop(L);
    lua_Integer place = i;
    for (; place > first; --place) {
      lua_geti(L, sorted, place - 1);
      meter.step();
      if (!is_less(L, moving, moving + 1))
        break;
      lua_seti(L, sorted, place);
    }
    lua_settop(L, moving);
    lua_seti(L, sorted, place);
  }
}

// Merges [first, middle) and [middle, end) of `from` into the same places of `to`.
void merge(lua_State* L, int from, int to, lua_Integer first, lua_Integer middle, lua_Integer end,
           step_meter& meter) {
  lua_Integer left = first;
  lua_Integer right = middle;
  for (lua_Integer place = first; place < end; ++place) {
    meter.step();
    bool take_right = left == middle;
    if (!take_right && right < end) {
      lua_geti(L, from, left);
      lua_geti(L, from, right);
      const int top = lua_gettop(L);
      take_right = is_less(L, top, top - 1); // equal ones stay in order
      lua_pop(L, 2);
    }
    lua_geti(L, from, take_right ? right++ : left++);
    lua_seti(L, to, place);
  }
}

int table_sort(lua_State* L) {
  const lua_Integer size = length_of(L, sorted, reads | writes);
  if (size < 2)
    return 0;
  if (size > sort_elements_max)
    return luaL_error(L, "table.sort: more than %d elements", static_cast<int>(sort_elements_max));
  if (!lua_isnoneornil(L, less_function))
    luaL_checktype(L, less_function, LUA_TFUNCTION);
  lua_settop(L, less_function);
  lua_createtable(L, static_cast<int>(size), 0);
  step_meter meter(L);
  const lua_Integer behind = size + 1;
  const auto within = [behind](lua_Integer index) {
    return index < behind ? index : behind;
  };
  for (lua_Integer first = 1; first < behind; first += run_size)
    sort_run(L, first, within(first + run_size), meter);
  int from = sorted;
  int to = spare;
  for (lua_Integer width = run_size; width < size; width *= 2) {
    for (lua_Integer first = 1; first < behind; first += 2 * width)
      merge(L, from, to, first, within(first + width), within(first + 2 * width), meter);
    const int swapped = from;
    from = to;
    to = swapped;
  }
  for (lua_Integer i = 1; from == spare && i < behind; ++i) {
    lua_geti(L, spare, i);
    lua_seti(L, sorted, i);
    meter.step();
  }
  return 0;
}

// -- older names ----------------------------------------------------------------------------------

int table_getn(lua_State* L) {
  lua_pushinteger(L, length_of(L, 1, reads));
  return 1;
}

// The largest positive number that is a key, whatever stands below it.
int table_maxn(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  lua_Number most = 0;
  step_meter meter(L);
  lua_pushnil(L);
  while (lua_next(L, 1) != 0) {
    lua_pop(L, 1);
    if (lua_type(L, -1) == LUA_TNUMBER && lua_tonumber(L, -1) > most)
      most = lua_tonumber(L, -1);
    meter.step();
  }
  lua_Integer whole = 0;
  if (lua_numbertointeger(most, &whole) != 0 && static_cast<lua_Number>(whole) == most)
    lua_pushinteger(L, whole);
  else
    lua_pushnumber(L, most);
  return 1;
}

// table.create(elements, fields): room in advance; what is too much room is only a hint.
int table_create(lua_State* L) {
  constexpr lua_Integer most = 1 << 16;
  const auto room = [L](int index) {
    const lua_Integer wanted = lua_isnoneornil(L, index) ? 0 : check_whole(L, index);
    luaL_argcheck(L, wanted >= 0, index, "must not be negative");
    return static_cast<int>(wanted < most ? wanted : most);
  };
  const int elements = room(1);
  lua_createtable(L, elements, room(2));
  return 1;
}

} // namespace

void shim_table(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"insert", table_insert}, {"remove", table_remove},
                                    {"move", table_move},     {"concat", table_concat},
                                    {"sort", table_sort},     {"getn", table_getn},
                                    {"maxn", table_maxn},     {"create", table_create},
                                    {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
}

} // namespace natterjack::runtime::lua
