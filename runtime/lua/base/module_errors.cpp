#include "runtime/lua/base/module_errors.hpp"

#include "runtime/lua/json/json_errors.hpp"

#include <array>
#include <cstdarg>
#include <cstdio>
#include <cstring>

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

enum class retry : uint8_t { unsaid, no, yes };

// The userdata. What is a Lua value is a user value of it, so that the collector sees it.
struct error_object {
  error_kind kind;
  retry retryable;
};

// `frames` is one string, "source\tline\tname\n" for each call: cheap to make for errors that
// nobody asks for their stack.
// `shown` is what a wrapped error reads as a text, its context in front; others have none.
enum user_value {
  message_value = 1,
  details_value,
  frames_value,
  shown_value,
  user_value_count = shown_value
};

char metatable_key; // its address names the metatable in the registry
constexpr int frames_max = 12;

error_object* to_error(lua_State* L, int index) noexcept {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_getmetatable(L, index) == 0)
    return nullptr;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &metatable_key);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same ? static_cast<error_object*>(lua_touserdata(L, index)) : nullptr;
}

error_object& check_error(lua_State* L) {
  error_object* error = to_error(L, 1);
  if (error == nullptr)
    raise(L, "this is a method of an error: call it with a colon, as in err:message()");
  return *error;
}

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

void push_metatable(lua_State* L);

// Makes an error object from the message on top of the stack, in its place.
error_object* make_error(lua_State* L, error_kind kind, retry retryable) {
  luaL_checkstack(L, 6, "no room for an error");
  auto* error =
      static_cast<error_object*>(lua_newuserdatauv(L, sizeof(error_object), user_value_count));
  *error = {kind, retryable};
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, message_value);
  push_frames(L);
  lua_setiuservalue(L, -2, frames_value);
  push_metatable(L);
  lua_setmetatable(L, -2);
  return error;
}

// Takes the next "source\tline\tname\n" from `rest`.
struct call_frame {
  std::string_view source, line, name;
};

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

// The frames of the error at index 1; they stay valid while it does.
std::string_view frames_of(lua_State* L) {
  lua_getiuservalue(L, 1, frames_value);
  size_t length = 0;
  const char* text = lua_tolstring(L, -1, &length);
  lua_pop(L, 1);
  return {text, text == nullptr ? 0 : length};
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
  std::string_view rest = frames_of(L);
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

void push_metatable(lua_State* L) {
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
  std::string_view rest = frames_of(L);
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
  push_metatable(L);
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
