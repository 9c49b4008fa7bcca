// string.find, match, gmatch and gsub on top of the bounded matcher.
#include "runtime/lua/base/pattern.hpp"

#include "runtime/lua/base/shims.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

namespace {

std::string_view check_text(lua_State* L, int index) {
  size_t length = 0;
  read_error_argument(L, index);
  const char* text = luaL_checklstring(L, index, &length);
  return {text, length};
}

// Offset that `init` means: from 1, negative from the end. May be behind the end.
size_t check_init(lua_State* L, int index, size_t length) {
  const lua_Integer init = lua_isnoneornil(L, index) ? 1 : check_whole(L, index);
  if (init > 0)
    return static_cast<size_t>(init) - 1;
  if (init == 0 || init < -static_cast<lua_Integer>(length))
    return 0;
  return length - static_cast<size_t>(-init);
}

bool take_anchor(std::string_view& pattern) {
  const bool anchored = pattern.starts_with('^');
  pattern.remove_prefix(anchored);
  return anchored;
}

bool is_plain(std::string_view pattern) {
  return pattern.find_first_of("^$*+?.([%-") == std::string_view::npos;
}

// First match at or behind `offset`. The end of the subject is a place to match as well.
bool search(pattern_matcher& matcher, size_t offset, bool anchored) {
  for (const size_t last = matcher.subject().size(); offset <= last; ++offset) {
    if (matcher.match_at(offset))
      return true;
    if (anchored)
      break;
  }
  return false;
}

int push_span(lua_State* L, size_t offset, size_t end) {
  lua_pushinteger(L, static_cast<lua_Integer>(offset) + 1);
  lua_pushinteger(L, static_cast<lua_Integer>(end));
  return 2;
}

int find_or_match(lua_State* L, bool find) {
  const std::string_view subject = check_text(L, 1);
  std::string_view pattern = check_text(L, 2);
  const size_t offset = check_init(L, 3, subject.size());
  if (offset > subject.size()) {
    lua_pushnil(L);
    return 1;
  }
  if (find && (lua_toboolean(L, 4) != 0 || is_plain(pattern))) {
    // memmem takes linear time, whatever the two texts are.
    const auto* found = static_cast<const char*>(
        ::memmem(subject.data() + offset, subject.size() - offset, pattern.data(), pattern.size()));
    if (found == nullptr) {
      lua_pushnil(L);
      return 1;
    }
    const auto at = static_cast<size_t>(found - subject.data());
    return push_span(L, at, at + pattern.size());
  }
  const bool anchored = take_anchor(pattern);
  pattern_matcher matcher(L, subject, pattern);
  if (!search(matcher, offset, anchored)) {
    lua_pushnil(L);
    return 1;
  }
  if (!find)
    return matcher.push_captures();
  push_span(L, matcher.offset(), matcher.end_offset());
  return 2 + (matcher.captures() == 0 ? 0 : matcher.push_captures());
}

// -- gmatch -----------------------------------------------------------------------------

constexpr size_t nowhere = static_cast<size_t>(-1);

struct gmatch_state {
  size_t offset;
  size_t last_end; // an empty match there would be the end of the match before it
};

int gmatch_next(lua_State* L) {
  const std::string_view subject = check_text(L, lua_upvalueindex(1));
  const std::string_view pattern = check_text(L, lua_upvalueindex(2));
  auto& state = *static_cast<gmatch_state*>(lua_touserdata(L, lua_upvalueindex(3)));
  pattern_matcher matcher(L, subject, pattern);
  for (; state.offset <= subject.size(); ++state.offset) {
    if (matcher.match_at(state.offset) && matcher.end_offset() != state.last_end) {
      state.offset = state.last_end = matcher.end_offset();
      return matcher.push_captures();
    }
  }
  return 0;
}

// -- gsub -------------------------------------------------------------------------------

// Appends a replacement string with its %0 to %9 and %%.
void add_template(lua_State* L, luaL_Buffer& out, const pattern_matcher& matcher,
                  std::string_view replacement) {
  for (;;) {
    const size_t escape = replacement.find('%');
    luaL_addlstring(&out, replacement.data(),
                    escape == std::string_view::npos ? replacement.size() : escape);
    if (escape == std::string_view::npos)
      return;
    const char what = escape + 1 < replacement.size() ? replacement[escape + 1] : '\0';
    replacement.remove_prefix(escape + 1 < replacement.size() ? escape + 2 : escape + 1);
    if (what == '%') {
      luaL_addchar(&out, '%');
    } else if (what == '0') {
      luaL_addlstring(&out, matcher.subject().data() + matcher.offset(),
                      matcher.end_offset() - matcher.offset());
    } else if (what >= '1' && what <= '9') {
      matcher.push_capture(what - '1', " in replacement string");
      luaL_tolstring(L, -1, nullptr); // a position is a number
      lua_remove(L, -2);
      luaL_addvalue(&out);
    } else {
      luaL_addchar(&out, what != '\0' ? what : '%'); // an escape that means nothing, as older Lua reads it
    }
  }
}

// Appends what stands for the present match. @returns false if that is the match itself
bool add_replacement(lua_State* L, luaL_Buffer& out, const pattern_matcher& matcher, int type) {
  switch (type) {
  case LUA_TFUNCTION:
    lua_pushvalue(L, 3);
    lua_call(L, matcher.push_captures(), 1);
    break;
  case LUA_TTABLE:
    matcher.push_capture(0);
    lua_gettable(L, 3);
    break;
  default:
    add_template(L, out, matcher, check_text(L, 3));
    return true;
  }
  if (lua_toboolean(L, -1) == 0) {
    lua_pop(L, 1);
    luaL_addlstring(&out, matcher.subject().data() + matcher.offset(),
                    matcher.end_offset() - matcher.offset());
    return false;
  }
  if (lua_isstring(L, -1) == 0)
    luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
  luaL_addvalue(&out);
  return true;
}

} // namespace

int pattern_find(lua_State* L) {
  return find_or_match(L, true);
}
int pattern_match(lua_State* L) {
  return find_or_match(L, false);
}

int pattern_gmatch(lua_State* L) {
  const std::string_view subject = check_text(L, 1);
  check_text(L, 2);
  const size_t offset = check_init(L, 3, subject.size());
  lua_settop(L, 2);
  auto* state = static_cast<gmatch_state*>(lua_newuserdatauv(L, sizeof(gmatch_state), 0));
  *state = {offset > subject.size() ? subject.size() + 1 : offset, nowhere};
  lua_pushcclosure(L, gmatch_next, 3);
  return 1;
}

int pattern_gsub(lua_State* L) {
  const std::string_view subject = check_text(L, 1);
  std::string_view pattern = check_text(L, 2);
  const int type = lua_type(L, 3);
  const auto most = lua_isnoneornil(L, 4) ? static_cast<lua_Integer>(subject.size()) + 1
                                          : check_whole(L, 4);
  luaL_argexpected(
      L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TTABLE || type == LUA_TFUNCTION,
      3, "string/function/table");
  const bool anchored = take_anchor(pattern);
  pattern_matcher matcher(L, subject, pattern);
  luaL_Buffer out;
  luaL_buffinit(L, &out);
  size_t offset = 0;
  size_t last_end = nowhere;
  lua_Integer count = 0;
  bool changed = false;
  while (count < most) {
    if (matcher.match_at(offset) && matcher.end_offset() != last_end) {
      ++count;
      changed = add_replacement(L, out, matcher, type) || changed;
      offset = last_end = matcher.end_offset();
    } else if (offset < subject.size()) {
      luaL_addchar(&out, subject[offset]);
      ++offset;
    } else {
      break;
    }
    if (anchored)
      break;
  }
  if (!changed) {
    lua_pushvalue(L, 1);
  } else {
    luaL_addlstring(&out, subject.data() + offset, subject.size() - offset);
    luaL_pushresult(&out);
  }
  lua_pushinteger(L, count);
  return 2;
}

} // namespace natterjack::runtime::lua
