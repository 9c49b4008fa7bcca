#include "runtime/lua/json/json_codec.hpp"
#include "runtime/lua/json/json_errors.hpp"
#include "runtime/lua/json/json_scanner.hpp"

#include <lua.hpp>

namespace natterjack::runtime::lua {

namespace {

// Values wait on the Lua stack until so many are there or the container ends, so that most tables
// are made once, with the right size.
constexpr int batch = 32;

// Trivially destructible: Lua calls may jump out of it.
class decoder {
 public:
  decoder(lua_State* L, std::string_view document, byte_buffer& scratch,
          decode_error& error, bool with_errors) noexcept
      : L_(L), scan_(document, scratch, error), with_errors_(with_errors) {}

  bool document() {
    scan_.skip_space();
    if (!value())
      return false;
    scan_.skip_space();
    return scan_.at_end() || scan_.unexpected("the end of the text");
  }

 private:
  bool value() {
    switch (scan_.peek()) {
    case '{':
      return object();
    case '[':
      return array();
    case '"':
      return string();
    case 't':
      return word("true") && (lua_pushboolean(L_, 1), true);
    case 'f':
      return word("false") && (lua_pushboolean(L_, 0), true);
    case 'n':
      return word("null") && (lua_pushnil(L_), true);
    default:
      return number();
    }
  }

  bool word(std::string_view text) { return scan_.word(text); }

  bool number() {
    const char first = scan_.peek();
    if (first != '-' && (first < '0' || first > '9'))
      return scan_.unexpected("a value");
    json_number read;
    if (!scan_.number(read))
      return false;
    if (read.is_integer)
      lua_pushinteger(L_, read.integer);
    else
      lua_pushnumber(L_, read.real);
    return true;
  }

  bool string() {
    std::string_view text;
    if (!scan_.string(text))
      return false;
    lua_pushlstring(L_, text.data(), text.size());
    return true;
  }

  bool enter() {
    static_assert(decode_levels_max == 512);
    if (++depth_ > decode_levels_max)
      return scan_.refuse("more than 512 levels");
    if (lua_checkstack(L_, 2 * batch + 8) == 0)
      return scan_.refuse("no room on the Lua stack");
    scan_.skip();
    scan_.skip_space();
    return true;
  }

  bool array() {
    const int base = lua_gettop(L_);
    if (!enter())
      return false;
    lua_Integer stored = 0;
    int waiting = 0;
    bool made = false;
    bool more = !scan_.take(']');
    while (more) {
      if (!value())
        return false;
      if (++waiting == batch) {
        store_elements(base, made, stored, waiting);
        made = true;
        stored += waiting;
        waiting = 0;
      }
      if (!next(']', "',' or ']'", more))
        return false;
    }
    if (waiting > 0 || !made)
      store_elements(base, made, stored, waiting);
    --depth_;
    return true;
  }

  // Backwards, so that the table grows once for the whole batch.
  void store_elements(int base, bool made, lua_Integer stored, int waiting) {
    if (!made) {
      lua_createtable(L_, waiting, 0);
      lua_insert(L_, base + 1);
    }
    for (int i = waiting; i >= 1; --i)
      lua_rawseti(L_, base + 1, stored + i);
  }

  bool object() {
    const int base = lua_gettop(L_);
    if (!enter())
      return false;
    int waiting = 0; // pairs
    bool made = false;
    bool more = !scan_.take('}');
    const bool is_error = with_errors_ && more && scan_.starts_with("\"\\u0001error\"");
    while (more) {
      if (scan_.peek() != '"')
        return scan_.unexpected("a key in double quotes");
      if (!string())
        return false;
      scan_.skip_space();
      if (!scan_.take(':'))
        return scan_.unexpected("':'");
      scan_.skip_space();
      if (!value())
        return false;
      if (++waiting == batch) {
        store_pairs(base, made, waiting);
        made = true;
        waiting = 0;
      }
      if (!next('}', "',' or '}'", more))
        return false;
    }
    if (waiting > 0 || !made)
      store_pairs(base, made, waiting);
    if (is_error)
      error_of_table(L_);
    --depth_;
    return true;
  }

  // In order: of equal keys the last one counts.
  void store_pairs(int base, bool made, int waiting) {
    if (!made) {
      lua_createtable(L_, 0, waiting);
      lua_insert(L_, base + 1);
    }
    for (int i = 0; i < waiting; ++i) {
      lua_pushvalue(L_, base + 2 + 2 * i);
      lua_pushvalue(L_, base + 3 + 2 * i);
      lua_rawset(L_, base + 1);
    }
    lua_settop(L_, base + 1);
  }

  // Behind an element: a comma, so `more`, or the end.
  bool next(char end, const char* expected, bool& more) {
    scan_.skip_space();
    more = scan_.take(',');
    if (!more && !scan_.take(end))
      return scan_.unexpected(expected);
    if (more)
      scan_.skip_space();
    return true;
  }

  lua_State* L_;
  json_scanner scan_;
  bool with_errors_;
  int depth_ = 0;
};

bool decode(lua_State* L, std::string_view document, decode_error& error, bool with_errors) {
  // Belongs to the thread: a Lua error that jumps out of the decoder leaves nothing behind.
  thread_local byte_buffer scratch;
  scratch.trim();
  luaL_checkstack(L, 4, "no room for a JSON value");
  const int top = lua_gettop(L);
  decoder work(L, document, scratch, error, with_errors);
  if (work.document())
    return true;
  lua_settop(L, top);
  return false;
}

} // namespace

bool decode_value(lua_State* L, std::string_view document, decode_error& error) {
  return decode(L, document, error, false);
}

bool decode_with_errors(lua_State* L, std::string_view document, decode_error& error) {
  return decode(L, document, error, true);
}

} // namespace natterjack::runtime::lua
