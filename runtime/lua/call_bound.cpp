#include "runtime/lua/call_bound.hpp"

#include <exception>
#include <map>
#include <utility>

namespace natterjack::runtime::lua {

namespace {

const char bound_key = 0; // registry: userdata that holds a bound_list

struct bound_list {
  uint64_t last = 0;
  std::map<uint64_t, std::function<void()>> all;
};

// Null: nothing was ever bound, or the state is being closed.
bound_list* find_list(lua_State* L) noexcept {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &bound_key);
  auto* holder = static_cast<bound_list**>(lua_touserdata(L, -1));
  lua_pop(L, 1);
  return holder == nullptr ? nullptr : *holder;
}

using bound_place = std::map<uint64_t, std::function<void()>>::iterator;

void end_one(bound_list& list, bound_place which) noexcept {
  const auto one = list.all.extract(which); // before: it may ask to be forgotten
  try {
    one.mapped()();
  } catch (const std::exception&) { // no memory: others want to be ended as well
  }
}

void end_all(bound_list& list) noexcept {
  while (!list.all.empty())
    end_one(list, list.all.begin());
}

int close_list(lua_State* L) {
  auto& holder = *static_cast<bound_list**>(lua_touserdata(L, 1));
  if (auto* list = std::exchange(holder, nullptr)) {
    end_all(*list);
    delete list;
  }
  return 0;
}

} // namespace

void prepare_to_bind(lua_State* L) {
  if (find_list(L) != nullptr)
    return;
  luaL_checkstack(L, 4, nullptr);
  auto* holder = static_cast<bound_list**>(lua_newuserdatauv(L, sizeof(bound_list*), 0));
  *holder = nullptr;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, close_list);
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &bound_key);
  *holder = new bound_list;
}

uint64_t bind_to_call(lua_State* L, std::function<void()> end) {
  auto& list = *find_list(L);
  list.all.emplace(++list.last, std::move(end));
  return list.last;
}

void forget_bound(lua_State* L, uint64_t number) noexcept {
  if (auto* list = find_list(L))
    list->all.erase(number);
}

void end_bound(lua_State* L, uint64_t number) noexcept {
  auto* list = find_list(L);
  if (const auto which = list != nullptr ? list->all.find(number) : bound_place();
      list != nullptr && which != list->all.end())
    end_one(*list, which);
}

void end_bound(lua_State* L) noexcept {
  if (auto* list = find_list(L))
    end_all(*list);
}

} // namespace natterjack::runtime::lua
