#include "runtime/lua/base/module_logger.hpp"

#include "hub/text.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <algorithm>
#include <cstdio>
#include <string_view>

namespace natterjack::runtime::lua {

namespace {

constexpr size_t line_bytes_max = 15 * 1024; // of the 16 KiB of a line: time, entry and PID stand in front
constexpr size_t sorted_fields_max = 64;

char logger_key; // its address names the metatable in the registry

// A child logger is a userdata with three user values, all texts.
enum user_value { name_value = 1, fields_value, members_value, user_value_count = members_value };

bool is_child(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || lua_getmetatable(L, index) == 0)
    return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &logger_key);
  const bool same = lua_rawequal(L, -1, -2) != 0;
  lua_pop(L, 2);
  return same;
}

// True for a child logger, false for the module's table itself.
bool check_logger(lua_State* L, const char* method) {
  if (is_child(L, 1))
    return true;
  if (lua_type(L, 1) != LUA_TTABLE)
    luaL_error(L, "%s is a method: write logger:%s(...) with a colon", method, method);
  return false;
}

// The line in the making. A buffer of its own: texts of values may use the thread's other one.
byte_buffer& line_buffer() {
  thread_local byte_buffer line(line_bytes_max);
  line.clear();
  return line;
}

void append_words(byte_buffer& line, std::string_view text, size_t end = line_bytes_max) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (line.size() >= end && (byte & 0xc0) != 0x80) {
      line.append("...");
      return;
    }
    if (byte >= 0x20 && byte != 0x7F) {
      if (!line.append(c))
        return;
      continue;
    }
    char escaped[8];
    std::snprintf(escaped, sizeof(escaped),
                  c == '\n'   ? "\\n"
                  : c == '\t' ? "\\t"
                              : "\\x%02x",
                  byte);
    if (!line.append(std::string_view(escaped)))
      return;
  }
}

bool needs_quotes(std::string_view text) {
  return text.empty() || std::any_of(text.begin(), text.end(), [](char c) {
           const auto byte = static_cast<unsigned char>(c);
           return byte <= 0x20 || byte == 0x7F || c == '"' || c == '=';
         });
}

// A text that has no room whole takes half of what there is, and ends with a mark: what comes behind it is
// seen as well.
void append_text(byte_buffer& line, std::string_view text, bool quoted) {
  const auto begin = line.size();
  const auto append = [&line, quoted](std::string_view what) {
    return quoted ? encode_text(what, line) : line.append(what);
  };
  if (append(text))
    return;
  constexpr std::string_view mark = "...";
  for (size_t size = std::min(text.size(), (line.bytes_max() - begin) / 2); size > 0; size /= 2) {
    line.truncate(begin);
    if (!append(hub::beginning_of(text, size)) || line.bytes_max() - line.size() <= mark.size())
      continue;
    if (quoted)
      line.truncate(line.size() - 1);
    line.append(mark);
    if (quoted)
      line.append('"');
    return;
  }
  line.truncate(begin);
}

// What a value is called that has neither a text nor a JSON form: its address would say nothing. Null: it has.
const char* type_without_text(lua_State* L, int index) {
  switch (lua_type(L, index)) {
  case LUA_TFUNCTION:
    return "<function>";
  case LUA_TTHREAD:
    return "<thread>";
  case LUA_TLIGHTUSERDATA:
    return "<userdata>";
  case LUA_TUSERDATA:
    if (luaL_getmetafield(L, index, "__tostring") == LUA_TNIL)
      return "<userdata>";
    lua_pop(L, 1);
    return nullptr;
  default:
    return nullptr;
  }
}

void append_value(lua_State* L, byte_buffer& line, int index) {
  if (const char* type = type_without_text(L, index)) {
    line.append(std::string_view(type));
    return;
  }
  if (lua_type(L, index) == LUA_TTABLE) {
    encode_error error;
    if (!encode_value(L, index, line, error))
      line.append(error.fault == encode_fault::too_large ? "..." : "<table>");
    return;
  }
  size_t size = 0;
  const char* text = luaL_tolstring(L, index, &size);
  append_text(line, {text, size}, needs_quotes({text, size}));
  lua_pop(L, 1);
}

void append_field(lua_State* L, byte_buffer& line, std::string_view key, int value) {
  if (line.size() > 0)
    line.append(' ');
  append_words(line, key);
  line.append('=');
  append_value(L, line, value);
}

// Appends the fields of the table at `index`: texts as keys in their order first, then the rest.
void append_fields(lua_State* L, byte_buffer& line, int index) {
  luaL_checkstack(L, 6, "no room for the fields");
  std::string_view keys[sorted_fields_max];
  size_t count = 0;
  size_t left_out = 0;
  const auto is_text = [L](int key) {
    return lua_type(L, key) == LUA_TSTRING;
  };
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (!is_text(-2))
      continue;
    if (count == sorted_fields_max) {
      ++left_out;
      continue;
    }
    size_t size = 0;
    const char* text = lua_tolstring(L, -2, &size);
    keys[count++] = {text, size};
  }
  std::sort(keys, keys + count);
  for (size_t i = 0; i < count; ++i) {
    lua_pushlstring(L, keys[i].data(), keys[i].size());
    lua_rawget(L, index);
    append_field(L, line, keys[i], lua_gettop(L));
    lua_pop(L, 1);
  }
  for (lua_pushnil(L); lua_next(L, index) != 0; lua_pop(L, 1)) {
    if (is_text(-2))
      continue;
    size_t size = 0;
    const char* text = luaL_tolstring(L, -2, &size);
    append_field(L, line, {text, size}, lua_gettop(L) - 1);
    lua_pop(L, 1);
  }
  if (left_out > 0) {
    char more[40];
    std::snprintf(more, sizeof(more), " and %zu more fields", left_out);
    line.append(std::string_view(more));
  }
}

// The fields once more, as members of a JSON object; one whose name does not fit is left out.
byte_buffer& members_buffer() {
  thread_local byte_buffer members(line_bytes_max);
  members.clear();
  return members;
}

void append_member(lua_State* L, byte_buffer& out, std::string_view key, int value) {
  const auto before = out.size();
  encode_error error;
  bool fits = before == 0 || out.append(',');
  fits = fits && encode_text(key, out) && out.append(':');
  if (!fits) {
    out.truncate(before);
    return;
  }
  const auto key_end = out.size();
  const char* type = type_without_text(L, value);
  if (type == nullptr && encode_value(L, value, out, error))
    return;
  out.truncate(key_end);
  if (lua_type(L, value) == LUA_TSTRING) {
    size_t size = 0;
    const char* text = lua_tolstring(L, value, &size);
    append_text(out, {text, size}, true);
  } else {
    encode_text(type != nullptr ? type : error.fault == encode_fault::too_large ? "..." : "<table>", out);
  }
  if (out.size() == key_end)
    out.truncate(before);
}

// Not sorted: machines do not care.
void append_members(lua_State* L, byte_buffer& out, int index) {
  luaL_checkstack(L, 6, "no room for the fields");
  size_t count = 0;
  for (lua_pushnil(L); lua_next(L, index) != 0 && count < sorted_fields_max; ++count) {
    size_t size = 0;
    const char* key = luaL_tolstring(L, -2, &size);
    append_member(L, out, {key, size}, lua_gettop(L) - 1);
    lua_pop(L, 2);
  }
}

std::string_view child_text(lua_State* L, int value) {
  size_t size = 0;
  lua_getiuservalue(L, 1, value);
  const char* text = lua_tolstring(L, -1, &size);
  lua_pop(L, 1);
  return {text, text == nullptr ? 0 : size}; // the child keeps it
}

template <log_level Level> int write_line(lua_State* L) {
  constexpr const char* names[] = {"trace", "debug", "info", "warn", "error"};
  const bool child = check_logger(L, names[static_cast<size_t>(Level)]);
  if (!log_enabled(L, Level))
    return 0;
  lua_settop(L, 3);
  byte_buffer& line = line_buffer();
  if (child && !child_text(L, name_value).empty()) {
    line.append(child_text(L, name_value));
    line.append(": ");
  }
  size_t size = 0;
  const char* message = luaL_tolstring(L, 2, &size);
  append_words(line, {message, size}, line_bytes_max * 3 / 4); // fields come behind
  const auto message_end = line.size();
  if (child && !child_text(L, fields_value).empty()) {
    line.append(' ');
    line.append(child_text(L, fields_value));
  }
  if (lua_type(L, 3) == LUA_TTABLE)
    append_fields(L, line, 3);
  else if (!lua_isnil(L, 3))
    append_field(L, line, "value", 3);
  byte_buffer& members = members_buffer();
  if (log_members(L)) {
    if (child)
      members.append(child_text(L, members_value));
    if (lua_type(L, 3) == LUA_TTABLE)
      append_members(L, members, 3);
    else if (!lua_isnil(L, 3))
      append_member(L, members, "value", 3);
  }
  log(L, Level, line.view(), line.view().substr(0, message_end), members.view());
  return 0;
}

// Pushes a child of the logger at index 1, as yet the same as that one.
void push_child(lua_State* L, bool of_child) {
  lua_newuserdatauv(L, 0, user_value_count);
  for (int value = 1; value <= user_value_count; ++value) {
    if (of_child)
      lua_getiuservalue(L, 1, value);
    else
      lua_pushliteral(L, "");
    lua_setiuservalue(L, -2, value);
  }
  lua_rawgetp(L, LUA_REGISTRYINDEX, &logger_key);
  lua_setmetatable(L, -2);
}

int logger_with(lua_State* L) {
  const bool child = check_logger(L, "with");
  luaL_checktype(L, 2, LUA_TTABLE);
  byte_buffer& line = line_buffer();
  if (child)
    line.append(child_text(L, fields_value));
  append_fields(L, line, 2);
  lua_pushlstring(L, line.data(), line.size());
  byte_buffer& members = members_buffer();
  if (log_members(L)) {
    if (child)
      members.append(child_text(L, members_value));
    append_members(L, members, 2);
  }
  lua_pushlstring(L, members.data(), members.size());
  push_child(L, child);
  lua_insert(L, -3);
  lua_setiuservalue(L, -3, members_value);
  lua_setiuservalue(L, -2, fields_value);
  return 1;
}

int logger_named(lua_State* L) {
  const bool child = check_logger(L, "named");
  size_t size = 0;
  const char* name = luaL_checklstring(L, 2, &size);
  if (size == 0 || size > 100)
    return fail(L, error_kind::invalid, "the name of a logger has 1 to 100 bytes");
  byte_buffer& line = line_buffer();
  if (child && !child_text(L, name_value).empty()) {
    line.append(child_text(L, name_value));
    line.append('.');
  }
  append_words(line, {name, size});
  lua_pushlstring(L, line.data(), line.size());
  push_child(L, child);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, name_value);
  return 1;
}

constexpr luaL_Reg methods[] = {{"debug", guarded<write_line<log_level::debug>>},
                                {"info", guarded<write_line<log_level::info>>},
                                {"warn", guarded<write_line<log_level::warn>>},
                                {"error", guarded<write_line<log_level::error>>},
                                {"with", guarded<logger_with>},
                                {"named", guarded<logger_named>},
                                {nullptr, nullptr}};

} // namespace

int open_logger(lua_State* L) {
  luaL_checkstack(L, 6, "no room for a module");
  lua_createtable(L, 0, 3);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "Logger");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &logger_key);
  luaL_newlib(L, methods);
  return 1;
}

} // namespace natterjack::runtime::lua
