#include "runtime/lua/engine/traceback.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

namespace {

constexpr int levels_max = 22; // enough to see a cause; a runaway recursion has thousands

} // namespace

std::string script_line(lua_State* L, int level) {
  lua_Debug at{};
  for (; lua_getstack(L, level, &at) != 0; ++level) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline > 0)
      return std::string(at.short_src) + ":" + std::to_string(at.currentline);
  }
  return {};
}

void push_placed(lua_State* L, const char* text) {
  lua_Debug at{};
  for (int level = 0; lua_getstack(L, level, &at) != 0; ++level) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline > 0) {
      lua_pushfstring(L, "%s:%d: %s", at.short_src, at.currentline, text);
      return;
    }
  }
  lua_pushstring(L, text);
}

std::string traceback(lua_State* L) {
  std::string result;
  lua_Debug at{};
  int shown = 0;
  constexpr auto heading = "stack traceback:";
  for (int level = 0; lua_getstack(L, level, &at) != 0; ++level) {
    lua_getinfo(L, "Slnt", &at);
    const bool script = std::strcmp(at.what, "C") != 0;
    // The engine's own functions at the bottom of a task say nothing to the script's author.
    if (!script && at.name == nullptr)
      continue;
    if (++shown > levels_max)
      return heading + result + "\n\t...";
    result += "\n\t";
    result += at.short_src;
    if (at.currentline > 0)
      result += ":" + std::to_string(at.currentline);
    result += ": in ";
    if (at.name != nullptr)
      result += std::string(*at.namewhat != '\0' ? at.namewhat : "function") + " '" + at.name + "'";
    else if (*at.what == 'm')
      result += "main chunk";
    else
      result += "function <line " + std::to_string(at.linedefined) + ">";
    if (at.istailcall != 0)
      result += "\n\t(...tail calls...)";
  }
  return result.empty() ? result : heading + result;
}

} // namespace natterjack::runtime::lua
