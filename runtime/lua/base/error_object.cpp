#include "runtime/lua/base/error_object.hpp"

#include "runtime/lua/base/module_errors.hpp"

#include <cstdio>
#include <cstring>

namespace natterjack::runtime::lua {

namespace {

char metatable_key; // its address names the metatable in the registry
constexpr int frames_max = 12;

error_object& check_error(lua_State* L) {
  error_object* error = to_error(L, 1);
  if (error == nullptr)
    raise(L, "this is a method of an error: call it with a colon, as in err:message()");
  return *error;
}

// Pushes the Lua calls that led here.
void push_frames(lua_State* L) {
  char text[1500];
  size_t used = 0;
  lua_Debug frame;
  int count = 0;
  for (int level = 0; count < frames_max && lua_getstack(L, level, &frame) != 0; ++level) {
    if (lua_getinfo(L, "nSl", &frame) == 0 || frame.currentline < 0)
      continue; // a C function
    const int written =
        std::snprintf(text + used, sizeof(text) - used, "%s\t%d\t%.40s\n", frame.short_src,
                      frame.currentline, frame.name != nullptr ? frame.name : "main chunk");
    if (written < 0 || static_cast<size_t>(written) >= sizeof(text) - used)
      break;
    used += static_cast<size_t>(written);
    ++count;
  }
  lua_pushlstring(L, text, used);
}

int error_message_method(lua_State* L) {
  check_error(L);
  lua_getiuservalue(L, 1, message_value);
  return 1;
}

int error_text_method(lua_State* L) {
  check_error(L);
  read_error_text(L, 1);
  return 1;
}

int error_kind_method(lua_State* L) {
  lua_pushstring(L, to_string(check_error(L).kind));
  return 1;
}

int error_retryable_method(lua_State* L) {
  const retry said = check_error(L).retryable;
  if (said == retry::unsaid)
    lua_pushnil(L);
  else
    lua_pushboolean(L, said == retry::yes);
  return 1;
}

int error_details_method(lua_State* L) {
  check_error(L);
  lua_getiuservalue(L, 1, details_value);
  return 1;
}

int error_stack_method(lua_State* L) {
  check_error(L);
  char text[2000] = "stack:";
  size_t used = std::strlen(text);
  std::string_view rest = frames_of(L, 1);
  for (call_frame frame; next_frame(rest, frame) && used < sizeof(text);)
    used += static_cast<size_t>(
        std::snprintf(text + used, sizeof(text) - used, "\n\t%.*s:%.*s: in %.*s",
                      static_cast<int>(frame.source.size()), frame.source.data(),
                      static_cast<int>(frame.line.size()), frame.line.data(),
                      static_cast<int>(frame.name.size()), frame.name.data()));
  lua_pushstring(L, text);
  return 1;
}

// Either operand may be the error; the other one is a string or a number.
int error_concat(lua_State* L) {
  lua_settop(L, 2);
  for (int i = 1; i <= 2; ++i) {
    if (read_error_text(L, i))
      lua_replace(L, i);
    else if (lua_isstring(L, i) == 0)
      return luaL_error(L, "attempt to concatenate an error with a %s value", luaL_typename(L, i));
  }
  lua_concat(L, 2);
  return 1;
}

} // namespace

error_object* to_error(lua_State* L, int index) noexcept {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_getmetatable(L, index) == 0)
    return nullptr;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same ? static_cast<error_object*>(lua_touserdata(L, index)) : nullptr;
}

error_object* make_error(lua_State* L, error_kind kind, retry retryable) {
  luaL_checkstack(L, 6, "no room for an error");
  auto* error =
      static_cast<error_object*>(lua_newuserdatauv(L, sizeof(error_object), user_value_count));
  *error = {kind, retryable};
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, message_value);
  push_frames(L);
  lua_setiuservalue(L, -2, frames_value);
  push_error_class(L);
  lua_setmetatable(L, -2);
  return error;
}

std::string_view frames_of(lua_State* L, int index) {
  lua_getiuservalue(L, index, frames_value);
  size_t length = 0;
  const char* text = lua_tolstring(L, -1, &length);
  lua_pop(L, 1);
  return {text, text == nullptr ? 0 : length};
}

bool next_frame(std::string_view& rest, call_frame& frame) {
  const size_t end = rest.find('\n');
  if (end == std::string_view::npos)
    return false;
  const std::string_view row = rest.substr(0, end);
  rest.remove_prefix(end + 1);
  const size_t second = row.rfind('\t');
  const size_t first = row.rfind('\t', second - 1);
  frame = {row.substr(0, first), row.substr(first + 1, second - first - 1), row.substr(second + 1)};
  return true;
}

void push_error_class(lua_State* L) {
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key) == LUA_TTABLE)
    return;
  lua_pop(L, 1);
  constexpr luaL_Reg methods[] = {
      {"message", error_message_method},     {"kind", error_kind_method},
      {"retryable", error_retryable_method}, {"details", error_details_method},
      {"stack", error_stack_method},         {nullptr, nullptr}};
  lua_createtable(L, 0, 5);
  luaL_newlib(L, methods);
  lua_createtable(L, 0, 1); // methods of a text are methods of an error
  lua_pushliteral(L, "");
  if (luaL_getmetafield(L, -1, "__index") != LUA_TNIL)
    lua_setfield(L, -3, "__index");
  lua_pop(L, 1);
  lua_setmetatable(L, -2);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, error_text_method);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, error_concat);
  lua_setfield(L, -2, "__concat");
  lua_pushliteral(L, "error");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, -1);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &metatable_key);
}

} // namespace natterjack::runtime::lua
