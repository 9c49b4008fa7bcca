#include "runtime/lua/base/module_errors.hpp"

#include "runtime/lua/base/error_object.hpp"
#include "runtime/lua/json/json_errors.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

struct kind_name {
  const char* constant; // errors.NOT_FOUND
  const char* value;    // "NotFound"
};

constexpr std::array<kind_name, 11> kind_names{{
    {"UNKNOWN", ""},
    {"INVALID", "Invalid"},
    {"NOT_FOUND", "NotFound"},
    {"ALREADY_EXISTS", "AlreadyExists"},
    {"PERMISSION_DENIED", "PermissionDenied"},
    {"TIMEOUT", "Timeout"},
    {"CANCELED", "Canceled"},
    {"UNAVAILABLE", "Unavailable"},
    {"INTERNAL", "Internal"},
    {"CONFLICT", "Conflict"},
    {"RATE_LIMITED", "RateLimited"},
}};

// What failed for want of time or room may be done later.
retry retry_of(error_kind kind) noexcept {
  return kind == error_kind::timeout || kind == error_kind::unavailable ||
                 kind == error_kind::rate_limited
             ? retry::yes
             : retry::no;
}

bool find_kind(std::string_view text, error_kind& kind) {
  for (size_t i = 0; i < kind_names.size(); ++i) {
    if (text == kind_names[i].constant || text == kind_names[i].value) {
      kind = static_cast<error_kind>(i);
      return true;
    }
  }
  return false;
}

error_kind check_kind(lua_State* L, int index) {
  size_t length = 0;
  const char* text = lua_tolstring(L, index, &length);
  error_kind kind = error_kind::unknown;
  if (text == nullptr || !find_kind({text, length}, kind))
    luaL_error(L, "unknown error kind '%s', use a constant such as errors.NOT_FOUND",
               text == nullptr ? luaL_typename(L, index) : text);
  return kind;
}

// errors.new{…}, the table at index 1.
void push_from_table(lua_State* L) {
  if (lua_getfield(L, 1, "message") != LUA_TSTRING)
    luaL_error(L, "errors.new: the field message must be a string, got %s", luaL_typename(L, -1));
  error_kind kind = error_kind::unknown;
  if (lua_getfield(L, 1, "kind") != LUA_TNIL)
    kind = check_kind(L, -1);
  lua_pop(L, 1);
  error_object* error = make_error(L, kind, retry::unsaid);
  if (lua_getfield(L, 1, "retryable") != LUA_TNIL)
    error->retryable = lua_toboolean(L, -1) != 0 ? retry::yes : retry::no;
  lua_pop(L, 1);
  const int details = lua_getfield(L, 1, "details");
  if (details != LUA_TNIL && details != LUA_TTABLE)
    luaL_error(L, "errors.new: the field details must be a table, got %s", luaL_typename(L, -1));
  lua_setiuservalue(L, -2, details_value);
}

int errors_new(lua_State* L) {
  if (lua_type(L, 1) == LUA_TTABLE) {
    lua_settop(L, 1);
    push_from_table(L);
    return 1;
  }
  if (lua_type(L, 1) != LUA_TSTRING)
    return luaL_error(L, "errors.new takes a text, a kind and a text, or a table; got %s",
                      luaL_typename(L, 1));
  const bool with_kind = lua_type(L, 2) == LUA_TSTRING;
  const error_kind kind = with_kind ? check_kind(L, 1) : error_kind::unknown;
  lua_pushvalue(L, with_kind ? 2 : 1);
  make_error(L, kind, retry::unsaid);
  return 1;
}

int errors_wrap(lua_State* L) {
  luaL_checkany(L, 1);
  luaL_checkstring(L, 2);
  lua_settop(L, 2);
  const error_object* inner = to_error(L, 1);
  if (inner == nullptr)
    luaL_tolstring(L, 1, nullptr);
  else
    lua_getiuservalue(L, 1, message_value);
  make_error(L, inner == nullptr ? error_kind::unknown : inner->kind,
             inner == nullptr ? retry::unsaid : inner->retryable);
  lua_pushvalue(L, 2);
  lua_pushliteral(L, ": ");
  luaL_tolstring(L, 1, nullptr); // with the context it has already
  lua_concat(L, 3);
  lua_setiuservalue(L, -2, shown_value);
  if (inner != nullptr) {
    for (const int kept : {details_value, frames_value}) { // the place it came from stays
      lua_getiuservalue(L, 1, kept);
      lua_setiuservalue(L, -2, kept);
    }
  }
  return 1;
}

int errors_is(lua_State* L) {
  luaL_checkany(L, 1);
  const error_kind kind = check_kind(L, 2);
  const error_object* error = to_error(L, 1);
  lua_pushboolean(L, error != nullptr && error->kind == kind);
  return 1;
}

int errors_call_stack(lua_State* L) {
  luaL_checkany(L, 1);
  if (to_error(L, 1) == nullptr) {
    lua_pushnil(L);
    return 1;
  }
  lua_createtable(L, 0, 2);
  lua_pushliteral(L, "main");
  lua_setfield(L, -2, "thread");
  lua_createtable(L, 4, 0);
  std::string_view rest = frames_of(L, 1);
  lua_Integer count = 0;
  for (call_frame frame; next_frame(rest, frame);) {
    lua_createtable(L, 0, 3);
    lua_pushlstring(L, frame.source.data(), frame.source.size());
    lua_setfield(L, -2, "source");
    lua_pushinteger(L, std::strtoll(frame.line.data(), nullptr, 10)); // a tab ends it
    lua_setfield(L, -2, "line");
    lua_pushlstring(L, frame.name.data(), frame.name.size());
    lua_setfield(L, -2, "name");
    lua_rawseti(L, -2, ++count);
  }
  lua_setfield(L, -2, "frames");
  return 1;
}

} // namespace

const char* to_string(error_kind kind) noexcept {
  return kind_names[static_cast<size_t>(kind)].value;
}

void push_error(lua_State* L, error_kind kind, std::string_view text) {
  luaL_checkstack(L, 2, "no room for an error");
  lua_pushlstring(L, text.data(), text.size());
  make_error(L, kind, retry_of(kind));
}

int fail_with(lua_State* L, error_kind kind, const char* format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  return fail(L, kind, text);
}

int push_error_with(lua_State* L, error_kind kind, const char* format, ...) {
  char text[400];
  va_list args;
  va_start(args, format);
  std::vsnprintf(text, sizeof(text), format, args);
  va_end(args);
  push_error(L, kind, text);
  return 1;
}

bool is_error(lua_State* L, int index) noexcept {
  return to_error(L, index) != nullptr;
}

bool read_error_text(lua_State* L, int index) noexcept {
  if (to_error(L, index) == nullptr)
    return false;
  index = lua_absindex(L, index);
  if (lua_getiuservalue(L, index, shown_value) == LUA_TSTRING)
    return true;
  lua_pop(L, 1);
  lua_getiuservalue(L, index, message_value);
  return true;
}

const char* error_message(lua_State* L, int index) noexcept {
  if (!read_error_text(L, index))
    return nullptr;
  const char* text = lua_tostring(L, -1); // a string already, and the error keeps it
  lua_pop(L, 1);
  return text;
}

error_kind error_kind_of(lua_State* L, int index) noexcept {
  const error_object* error = to_error(L, index);
  return error == nullptr ? error_kind::unknown : error->kind;
}

std::string error_more(lua_State* L, int index) noexcept {
  const error_object* error = to_error(L, index);
  if (error == nullptr)
    return {};
  try {
    std::string more = "{";
    if (error->retryable != retry::unsaid)
      more += error->retryable == retry::yes ? "\"retryable\":true" : "\"retryable\":false";
    lua_getiuservalue(L, index, details_value);
    byte_buffer& buffer = encode_buffer();
    encode_error problem;
    if (lua_istable(L, -1) && encode_value(L, lua_gettop(L), buffer, problem)) {
      more += more.size() > 1 ? ",\"details\":" : "\"details\":";
      more += buffer.view();
    }
    lua_pop(L, 1);
    return more.size() > 1 ? more + "}" : std::string{};
  } catch (const std::exception&) {
    return {}; // no memory: the error goes without
  }
}

std::optional<bool> push_error_details(lua_State* L, int index) noexcept {
  const error_object* error = to_error(L, index);
  if (error == nullptr) {
    lua_pushnil(L);
    return std::nullopt;
  }
  lua_getiuservalue(L, index, details_value);
  if (error->retryable == retry::unsaid)
    return std::nullopt;
  return error->retryable == retry::yes;
}

void set_error_more(lua_State* L, int index) {
  error_object* error = to_error(L, index);
  if (error == nullptr || !lua_istable(L, -1))
    return;
  index = lua_absindex(L, index);
  if (lua_getfield(L, -1, "retryable") == LUA_TBOOLEAN)
    error->retryable = lua_toboolean(L, -1) != 0 ? retry::yes : retry::no;
  lua_pop(L, 1);
  if (lua_getfield(L, -1, "details") == LUA_TTABLE)
    lua_setiuservalue(L, index, details_value);
  else
    lua_pop(L, 1);
}

error_kind error_kind_named(std::string_view name) noexcept {
  error_kind kind = error_kind::unknown;
  find_kind(name, kind);
  return kind;
}

int open_errors(lua_State* L) {
  luaL_checkstack(L, 6, "no room for a module");
  push_error_class(L);
  lua_pop(L, 1);
  constexpr luaL_Reg functions[] = {{"new", errors_new},
                                    {"wrap", errors_wrap},
                                    {"is", errors_is},
                                    {"call_stack", errors_call_stack},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  for (const kind_name& kind : kind_names) {
    lua_pushstring(L, kind.value);
    lua_setfield(L, -2, kind.constant);
  }
  return 1;
}

} // namespace natterjack::runtime::lua
