// The Lua module `fs`; its shape stands in library/fs.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/shared/answering_work.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/lua/storage/volume.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

std::shared_ptr<const volume> find_volume(engine& self, std::string_view id) {
  const auto& all = self.runtime().shared().of<volume_shelf>().volumes;
  const auto i = all.find(std::string(id));
  return i == all.end() ? nullptr : i->second;
}

// id, operation, path, data, offset, size, how
bool start(engine& self, lua_State* L, const reply_address& to) {
  auto where = find_volume(self, text_of(L, 1));
  if (!where)
    return false;
  file_request request;
  request.what = static_cast<file_operation>(lua_tointeger(L, 2));
  request.path = text_of(L, 3);
  request.data = text_of(L, 4);
  request.offset = static_cast<uint64_t>(std::max<lua_Integer>(lua_tointeger(L, 5), 0));
  request.size = static_cast<uint64_t>(std::max<lua_Integer>(lua_tointeger(L, 6), 0));
  request.how = static_cast<write_mode>(lua_tointeger(L, 7));
  run_answering(*self.runtime().shared().work, to,
                [where = std::move(where), request = std::move(request), to] {
                  auto result = where->run(request);
                  if (result.why.text.empty())
                    answer(to, std::move(result.values));
                  else
                    answer_error(to, result.why);
                });
  return true;
}

int run(lua_State* L) {
  lua_settop(L, 7);
  const auto to = expect_answer(L);
  if (start(engine_of(L), L, to))
    return await_answer(L);
  forget_answer(L, to);
  return fail(L, error_kind::not_found, "no such fs.directory entry");
}

bool knows(engine& self, std::string_view id) { return find_volume(self, id) != nullptr; }

int has_volume(lua_State* L) {
  lua_pushboolean(L, knows(engine_of(L), text_argument(L, 1)));
  return 1;
}

} // namespace

int open_fs(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"run", guarded<run>}, {"has_volume", guarded<has_volume>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "fs");
  return 1;
}

} // namespace natterjack::runtime::lua
