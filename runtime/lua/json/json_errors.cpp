#include "runtime/lua/json/json_errors.hpp"

#include "runtime/lua/base/module_errors.hpp"

#include <lua.hpp>

#include <string>

namespace natterjack::runtime::lua {

namespace {

// Cannot stand inside a text: its quotes would have a backslash there.
constexpr std::string_view beginning = R"({"\u0001error":)";

// @returns the place behind the text that begins at `at`
size_t end_of_text(std::string_view document, size_t at) noexcept {
  for (++at; at < document.size() && document[at] != '"'; ++at)
    at += document[at] == '\\';
  return at + 1;
}

// @returns the place behind the object that begins at `at`
size_t end_of_object(std::string_view document, size_t at) noexcept {
  for (int depth = 0; at < document.size();) {
    const char c = document[at];
    if (c == '"') {
      at = end_of_text(document, at);
      continue;
    }
    ++at;
    depth += (c == '{') - (c == '}');
    if (depth == 0)
      break;
  }
  return at;
}

} // namespace

bool is_error_document(std::string_view document) noexcept {
  return document.starts_with(' ') && document.substr(1).starts_with(beginning);
}

hub::payload shown_errors(const hub::payload& value) {
  if (!holds_errors(value))
    return value;
  const auto document = value.bytes();
  std::string shown;
  size_t at = 1; // behind the space
  for (size_t found; (found = document.find(beginning, at)) != std::string_view::npos;) {
    const size_t text = found + beginning.size();
    shown.append(document, at, found - at);
    shown.append(document, text, end_of_text(document, text) - text);
    at = end_of_object(document, found);
  }
  shown.append(document, at);
  return hub::payload::json(shown);
}

void error_of_table(lua_State* L) {
  luaL_checkstack(L, 6, "no room for an error");
  const int table = lua_gettop(L);
  size_t size = 0;
  size_t kind_size = 0;
  lua_getfield(L, table, "kind");
  const char* kind = lua_tolstring(L, -1, &kind_size);
  lua_getfield(L, table, error_member);
  const char* message = lua_tolstring(L, -1, &size);
  if (kind != nullptr && message != nullptr) { // both stay on the stack meanwhile
    push_error(L, error_kind_named({kind, kind_size}), {message, size});
    lua_pushvalue(L, table);
    set_error_more(L, -2);
    lua_pop(L, 1);
    lua_replace(L, table);
  }
  lua_settop(L, table);
}

} // namespace natterjack::runtime::lua
