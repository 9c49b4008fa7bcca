// The Lua module `registry`; its shape stands in library/registry.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/raw_field.hpp"
#include "runtime/lua/shared/entry_registry.hpp"
#include "runtime/lua/regex/search_function.hpp"
#include "runtime/lua/shared/services.hpp"

namespace natterjack::runtime::lua {

namespace {

entry_registry& registry_of(lua_State* L) {
  return *engine_of(L).runtime().shared().entries;
}

void push_text(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

void push_record(lua_State* L, const entry_record& one) {
  decode_error error;
  lua_createtable(L, 0, 4);
  push_text(L, one.id);
  lua_setfield(L, -2, "id");
  push_text(L, one.kind);
  lua_setfield(L, -2, "kind");
  if (push_payload(L, one.meta, error))
    lua_setfield(L, -2, "meta");
  if (push_payload(L, one.data, error))
    lua_setfield(L, -2, "data");
}

// The snapshot a call works on stays in this userdata: pushing may raise.
entry_registry::snapshot& hold(lua_State* L, entry_registry::snapshot one) {
  auto* held = new (lua_newuserdatauv(L, sizeof one, 0)) entry_registry::snapshot;
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, [](lua_State* state) {
    static_cast<entry_registry::snapshot*>(lua_touserdata(state, 1))->reset();
    return 0;
  });
  lua_setfield(L, -2, "__gc");
  lua_setmetatable(L, -2);
  *held = std::move(one);
  return *held;
}

// The entries of the version at `index`; the present ones without it.
entry_registry::snapshot entries_at(lua_State* L, int index) {
  const auto& all = registry_of(L);
  return lua_isnoneornil(L, index) ? all.now()
                                   : all.at(static_cast<uint64_t>(lua_tointeger(L, index)));
}

// id, version or nil -> entry or nil
int get(lua_State* L) {
  const auto id = text_argument(L, 1);
  lua_settop(L, 2);
  auto& now = hold(L, nullptr);
  now = entries_at(L, 2);
  if (!now)
    return 0;
  auto i = now->find(std::string(id));
  if (i == now->end())
    return 0;
  push_record(L, i->second);
  return 1;
}

// version or nil -> list of all entries, or nil
int all(lua_State* L) {
  lua_settop(L, 1);
  auto& now = hold(L, nullptr);
  now = entries_at(L, 1);
  if (!now)
    return 0;
  lua_createtable(L, static_cast<int>(now->size()), 0);
  lua_Integer place = 0;
  for (const auto& [id, one] : *now) {
    push_record(L, one);
    lua_rawseti(L, -2, ++place);
  }
  return 1;
}

int version(lua_State* L) {
  lua_pushinteger(L, static_cast<lua_Integer>(registry_of(L).version()));
  return 1;
}

size_t write_versions(entry_registry& from, uint64_t* out) {
  const auto known = from.versions();
  std::copy(known.begin(), known.end(), out);
  return known.size();
}

int versions(lua_State* L) {
  uint64_t known[entry_registry::versions_max + 1];
  const auto count = write_versions(registry_of(L), known);
  lua_createtable(L, static_cast<int>(count), 0);
  for (size_t i = 0; i < count; ++i) {
    lua_pushinteger(L, static_cast<lua_Integer>(known[i]));
    lua_rawseti(L, -2, static_cast<lua_Integer>(i + 1));
  }
  return 1;
}

// Reads {kind =, entry = {id, kind, meta, data}} on top of the stack.
bool read_change(lua_State* L, entry_change& out, failure& why) {
  const auto field = [L](int index, const char* name) {
    raw_field(L, index, name);
    std::string text(text_of(L, -1));
    lua_pop(L, 1);
    return text;
  };
  const int change = lua_gettop(L);
  const auto what = field(change, "kind");
  out.what = what == "entry.create"   ? entry_change_kind::create
             : what == "entry.update" ? entry_change_kind::update
                                      : entry_change_kind::remove;
  raw_field(L, change, "entry");
  const int entry = lua_gettop(L);
  out.entry.id = field(entry, "id");
  out.entry.kind = field(entry, "kind");
  encode_error error;
  bool fine = true;
  for (auto [name, to] : {std::pair{"meta", &out.entry.meta}, std::pair{"data", &out.entry.data}}) {
    raw_field(L, entry, name);
    fine = fine && read_payload(L, lua_gettop(L), *to, error);
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  if (!fine)
    why = {error_kind::invalid, error.text, {}};
  return fine;
}

struct applied {
  std::optional<uint64_t> version;
  error_kind kind = error_kind::unknown;
};

constexpr lua_Integer changes_max = 100'000; // the length of a table says nothing of its size

applied apply_changes(engine& self, lua_State* L) {
  std::vector<entry_change> changes;
  failure why;
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, 1));
  bool fine = count <= changes_max;
  if (!fine)
    why = {error_kind::invalid, "more than 100000 changes at a time", {}};
  for (lua_Integer i = 1; i <= count && fine; ++i) {
    lua_rawgeti(L, 1, i);
    fine = read_change(L, changes.emplace_back(), why);
    lua_pop(L, 1);
  }
  const auto made =
      fine ? self.runtime().shared().entries->apply(changes, why) : std::nullopt;
  self.scratch = std::move(why.text);
  return {made, why.kind};
}

int apply(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstack(L, 12, nullptr);
  auto& self = engine_of(L);
  const auto result = apply_changes(self, L);
  if (!result.version)
    return fail(L, result.kind, self.scratch);
  lua_pushinteger(L, static_cast<lua_Integer>(*result.version));
  return 1;
}

applied apply_version(engine& self, uint64_t wanted) {
  failure why;
  const auto made = self.runtime().shared().entries->go_to(wanted, why);
  self.scratch = std::move(why.text);
  return {made, why.kind};
}

int go_to(lua_State* L) {
  auto& self = engine_of(L);
  const auto result = apply_version(self, static_cast<uint64_t>(luaL_checkinteger(L, 1)));
  if (!result.version)
    return fail(L, result.kind, self.scratch);
  lua_pushboolean(L, 1);
  return 1;
}

int warn(lua_State* L) {
  log(L, log_level::warn, text_argument(L, 1));
  return 0;
}

} // namespace

int open_registry(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"get", guarded<get>},
                                    {"all", guarded<all>},
                                    {"version", guarded<version>},
                                    {"versions", guarded<versions>},
                                    {"apply", guarded<apply>},
                                    {"go_to", guarded<go_to>},
                                    {"is_like", guarded<search_text>},
                                    {"warn", guarded<warn>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "registry");
  return 1;
}

} // namespace natterjack::runtime::lua
