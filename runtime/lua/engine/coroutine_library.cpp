#include "runtime/lua/engine/coroutine_library.hpp"

#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/thread_mark.hpp"

namespace natterjack::runtime::lua {

namespace {

enum class form : lua_KContext { resume, wrap };

lua_State* check_coroutine(lua_State* L) {
  auto* co = lua_tothread(L, 1);
  luaL_argexpected(L, co != nullptr, 1, "coroutine");
  return co;
}

int failed(lua_State* L, lua_State* co, form kind) {
  lua_xmove(co, L, 1);
  if (kind == form::resume) {
    lua_pushboolean(L, 0);
    lua_insert(L, -2);
    return 2;
  }
  if (const int status = lua_status(co); status != LUA_OK && status != LUA_YIELD) {
    auto& self = engine_of(L);
    self.mark().running = co; // close variables are code of the script too
    ++self.pinned;
    if (lua_resetthread(co) != LUA_OK)
      lua_xmove(co, L, 1);
    --self.pinned;
    self.mark().running = L;
    if (self.is_fatal())
      return self.leave(L);
  }
  if (lua_type(L, -1) == LUA_TSTRING) {
    luaL_where(L, 1);
    lua_insert(L, -2);
    lua_concat(L, 2);
  }
  return lua_error(L);
}

int resumed_again(lua_State* L, int, lua_KContext kind);

// Resumes `co` with the topmost `arguments` of its stack and hands its results to L.
int step(lua_State* L, lua_State* co, int arguments, form kind) {
  auto& self = engine_of(L);
  const int here_pinned = lua_isyieldable(L) ? 0 : 1;
  self.pinned += here_pinned;
  self.cause = yield_cause::user;
  self.mark().running = co;
  int results = 0;
  const int status = lua_resume(co, L, arguments, &results);
  self.mark().running = L;
  self.pinned -= here_pinned;
  if (status == LUA_ERRMEM)
    self.out_of_memory(L);
  if (self.is_fatal())
    return self.leave(L);
  if (status == LUA_YIELD && self.cause != yield_cause::user) {
    mark_suspended(co, true);
    return lua_yieldk(L, 0, static_cast<lua_KContext>(kind), resumed_again);
  }
  if (status != LUA_OK && status != LUA_YIELD)
    return failed(L, co, kind);
  if (!lua_checkstack(L, results + 1)) {
    lua_pop(co, results);
    return luaL_error(L, "too many results to resume");
  }
  if (kind == form::resume)
    lua_pushboolean(L, 1);
  lua_xmove(co, L, results);
  return results + (kind == form::resume ? 1 : 0);
}

int resumed_again(lua_State* L, int, lua_KContext context) {
  const auto kind = static_cast<form>(context);
  auto* co = lua_tothread(L, kind == form::resume ? 1 : lua_upvalueindex(1));
  mark_suspended(co, false);
  return step(L, co, 0, kind);
}

int start(lua_State* L, lua_State* co, int arguments, form kind) {
  const char* refused = nullptr;
  if (is_suspended_by_engine(co))
    refused = "cannot resume non-suspended coroutine";
  else if (!lua_checkstack(co, arguments))
    refused = "too many arguments to resume";
  if (refused != nullptr) {
    if (kind == form::wrap)
      return luaL_error(L, "%s", refused);
    lua_pushboolean(L, 0);
    lua_pushstring(L, refused);
    return 2;
  }
  lua_xmove(L, co, arguments);
  return step(L, co, arguments, kind);
}

int co_resume(lua_State* L) {
  auto* co = check_coroutine(L);
  return start(L, co, lua_gettop(L) - 1, form::resume);
}

int co_wrapped(lua_State* L) {
  return start(L, lua_tothread(L, lua_upvalueindex(1)), lua_gettop(L), form::wrap);
}

int co_create(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  auto* co = lua_newthread(L);
  lua_sethook(co, nullptr, 0, 0); // a new thread inherits the hook
  lua_pushvalue(L, 1);
  lua_xmove(L, co, 1);
  return 1;
}

int co_wrap(lua_State* L) {
  co_create(L);
  lua_pushcclosure(L, co_wrapped, 1);
  return 1;
}

bool is_task(lua_State* L) {
  return engine_of(L).current().thread == L;
}

int co_yield_user(lua_State* L) {
  if (is_task(L))
    return luaL_error(L, "attempt to yield from outside a coroutine");
  engine_of(L).cause = yield_cause::user;
  return lua_yield(L, lua_gettop(L));
}

const char* status_of(lua_State* L, lua_State* co) {
  if (L == co)
    return "running";
  if (is_suspended_by_engine(co))
    return "normal";
  switch (lua_status(co)) {
  case LUA_YIELD:
    return "suspended";
  case LUA_OK: {
    lua_Debug at;
    if (lua_getstack(co, 0, &at) != 0)
      return "normal";
    return lua_gettop(co) == 0 ? "dead" : "suspended";
  }
  default:
    return "dead";
  }
}

int co_status(lua_State* L) {
  lua_pushstring(L, status_of(L, check_coroutine(L)));
  return 1;
}

int co_running(lua_State* L) {
  lua_pushthread(L);
  lua_pushboolean(L, is_task(L));
  return 2;
}

int co_isyieldable(lua_State* L) {
  lua_pushboolean(L, lua_isyieldable(L) && !is_task(L));
  return 1;
}

int co_close(lua_State* L) {
  auto* co = check_coroutine(L);
  const char* status = status_of(L, co);
  if (*status != 'd' && *status != 's')
    return luaL_error(L, "cannot close a %s coroutine", status);
  auto& self = engine_of(L);
  self.mark().running = co;
  ++self.pinned; // its close variables run here, where nothing can yield
  const int result = lua_resetthread(co);
  --self.pinned;
  self.mark().running = L;
  if (self.is_fatal())
    return self.leave(L);
  if (result == LUA_OK) {
    lua_pushboolean(L, 1);
    return 1;
  }
  lua_pushboolean(L, 0);
  lua_xmove(co, L, 1);
  return 2;
}

int spawned_returned(lua_State*, int, lua_KContext) {
  return 0;
}

// A task of spawn(): its function and arguments are upvalues.
int run_spawned(lua_State* L) {
  const auto count = static_cast<int>(lua_tointeger(L, lua_upvalueindex(1)));
  luaL_checkstack(L, count + 1, "too many arguments");
  for (int i = 0; i < count; ++i)
    lua_pushvalue(L, lua_upvalueindex(2 + i));
  lua_callk(L, count - 1, 0, 0, spawned_returned);
  return 0;
}

// Stack: a function and its arguments. Leaves the function of a task.
void push_spawned(lua_State* L) {
  luaL_checktype(L, 1, LUA_TFUNCTION);
  const int count = lua_gettop(L);
  luaL_argcheck(L, count <= 250, 251, "too many arguments");
  lua_pushinteger(L, count);
  lua_insert(L, 1);
  lua_pushcclosure(L, run_spawned, count + 1);
}

int co_spawn(lua_State* L) {
  push_spawned(L);
  engine_of(L).add_task(L, false);
  return 0;
}

int co_follow(lua_State* L) {
  push_spawned(L);
  engine_of(L).add_follower(L);
  return 0;
}

} // namespace

void push_follow(lua_State* L) {
  lua_pushcfunction(L, guarded<co_follow>);
}

int open_coroutine(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"create", co_create},
                                    {"resume", co_resume},
                                    {"wrap", co_wrap},
                                    {"yield", co_yield_user},
                                    {"status", co_status},
                                    {"running", co_running},
                                    {"isyieldable", co_isyieldable},
                                    {"close", co_close},
                                    {"spawn", guarded<co_spawn>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
