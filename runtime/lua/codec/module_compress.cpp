// The Lua module `compress`. The work is done on threads for what lasts; the process waits.
//
//   compress.gzip.encode(data, {level})       bytes    nil, err (INVALID: no data, level not 1 to
//   9) compress.gzip.decode(data, {max_size})    bytes    nil, err (INVALID: not gzip; INTERNAL:
//   too large) compress.zlib, compress.deflate           the same in their formats
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/codec/zlib_codec.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/answering_work.hpp"
#include "runtime/lua/shared/services.hpp"

namespace natterjack::runtime::lua {

namespace {

constexpr lua_Integer level_default = 6;
constexpr lua_Integer size_default = 64 << 20; // what other modules give at most as well
constexpr lua_Integer size_most = 1 << 30;

const char* name_of(zlib_format format) {
  constexpr const char* names[]{"gzip", "zlib", "deflate"};
  return names[static_cast<size_t>(format)];
}

struct job {
  zlib_format format;
  bool is_encoding;
  lua_Integer setting; // level, or the most bytes
};

void finish(const job& what, const std::string& data, const reply_address& to) {
  std::string out;
  const auto outcome = what.is_encoding
                           ? zlib_encode(data, what.format, static_cast<int>(what.setting), out)
                           : zlib_decode(data, what.format, static_cast<size_t>(what.setting), out);
  const std::string name = name_of(what.format);
  switch (outcome) {
  case zlib_outcome::fine:
    return answer(to, {hub::payload::binary(out)});
  case zlib_outcome::broken:
    return answer_error(to, error_kind::invalid, "the data is not " + name + ", or is cut off");
  case zlib_outcome::too_large:
    return answer_error(to, error_kind::internal,
                        "more than max_size (" + std::to_string(what.setting) + ") bytes come out");
  case zlib_outcome::no_memory:
    break;
  }
  answer_error(to, error_kind::internal, name + ": no memory");
}

void start(engine& self, lua_State* L, const job& what, const reply_address& to) {
  run_answering(*self.runtime().shared().work, to,
                [what, data = std::string(text_of(L, 1)), to] { finish(what, data, to); });
}

// Reads a field of the options at index 2. @returns false if it is out of bounds
bool read_setting(lua_State* L, const char* field, lua_Integer otherwise, lua_Integer most,
                  lua_Integer& out) {
  out = otherwise;
  if (!lua_istable(L, 2) || lua_getfield(L, 2, field) == LUA_TNIL)
    return true;
  int is_whole = 0;
  out = lua_tointegerx(L, -1, &is_whole);
  return is_whole != 0 && out >= 1 && out <= most;
}

template <zlib_format Format, bool Encodes> int run(lua_State* L) {
  lua_settop(L, 2);
  if (lua_type(L, 1) != LUA_TSTRING || lua_rawlen(L, 1) == 0)
    return fail(L, error_kind::invalid, "the data must be a text that is not empty");
  job what{Format, Encodes, 0};
  const char* field = Encodes ? "level" : "max_size";
  const auto most = Encodes ? lua_Integer{9} : size_most;
  if (!read_setting(L, field, Encodes ? level_default : size_default, most, what.setting))
    return fail_with(L, error_kind::invalid, "%s must be a whole number from 1 to %lld", field,
                     static_cast<long long>(most));
  lua_settop(L, 2);
  const auto to = expect_answer(L);
  start(engine_of(L), L, what, to);
  return await_answer(L);
}

template <zlib_format Format> void add_format(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"encode", guarded<run<Format, true>>},
                                    {"decode", guarded<run<Format, false>>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  lua_setfield(L, -2, name_of(Format));
}

} // namespace

int open_compress(lua_State* L) {
  lua_createtable(L, 0, 3);
  add_format<zlib_format::gzip>(L);
  add_format<zlib_format::zlib>(L);
  add_format<zlib_format::deflate>(L);
  return 1;
}

} // namespace natterjack::runtime::lua
