// `process.registry`: names of processes.
#include "hub/counters.hpp"
#include "hub/node.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/process/process_library.hpp"
#include "runtime/lua/text_argument.hpp"

namespace natterjack::runtime::lua {

namespace {

// A new version asks for the name of the one it replaces: it gets it when it has started.
bool claim_name(engine& self, const std::string& name, const hub::pid& owner) {
  auto* claims = self.actor().claims();
  if (claims == nullptr || owner != self.id())
    return false;
  std::lock_guard guard(claims->mutex);
  const auto holder = self.node().names().lookup(name);
  if (!holder || *holder != claims->held_by)
    return false;
  if (claims->is_over)
    self.node().names().hand_over({name}, claims->held_by, owner);
  else
    claims->names.push_back(name);
  return true;
}

enum class name_outcome : uint8_t { good, taken, too_many, no_process };

name_outcome add_name(engine& self, std::string_view name, std::string_view owner) {
  auto& node = self.node();
  auto id = self.id();
  if (!owner.empty()) {
    auto found = node.resolve(owner);
    if (!found)
      return name_outcome::no_process;
    id = found.self->id();
  }
  switch (node.names().add(std::string(name), id, self.program().limits().names)) {
  case hub::register_result::registered:
    return name_outcome::good;
  case hub::register_result::taken:
    return claim_name(self, std::string(name), id) ? name_outcome::good : name_outcome::taken;
  case hub::register_result::no_process:
    return name_outcome::no_process;
  case hub::register_result::too_many:
    break;
  }
  hub::count(hub::counter::limit_names);
  return name_outcome::too_many;
}

int refuse_name(lua_State* L) {
  auto& self = engine_of(L);
  self.scratch = "too many names: limit names (" + std::to_string(self.program().limits().names) + ") reached";
  return fail(L, error_kind::rate_limited, self.scratch);
}

constexpr size_t name_bytes_max = 1024; // names are held and shown outside of limits.memory

int registry_register(lua_State* L) {
  const auto name = text_argument(L, 1);
  const auto owner = lua_isnoneornil(L, 2) ? std::string_view{} : text_argument(L, 2);
  if (name.empty() || name.starts_with('{'))
    return fail(L, error_kind::invalid, "a name must not be empty or start with {");
  if (name.size() > name_bytes_max)
    return fail(L, error_kind::invalid, "a name has at most 1024 bytes");
  switch (add_name(engine_of(L), name, owner)) {
  case name_outcome::good:
    lua_pushboolean(L, 1);
    return 1;
  case name_outcome::taken:
    return fail(L, error_kind::already_exists, "name is registered by another process");
  case name_outcome::too_many:
    return refuse_name(L);
  case name_outcome::no_process:
    break;
  }
  return fail(L, error_kind::not_found, "pid not registered");
}

hub::pid find_name(engine& self, std::string_view name) {
  return self.node().names().lookup(std::string(name)).value_or(hub::pid{});
}

int registry_lookup(lua_State* L) {
  const auto id = find_name(engine_of(L), text_argument(L, 1));
  if (!id)
    return fail(L, error_kind::not_found, "name not registered");
  return push_pid(L, id);
}

// Names of a wider scope than this node are their holder's alone.
bool remove_name(engine& self, std::string_view name, bool only_own) {
  const auto holder = self.node().names().lookup(std::string(name));
  // The name went on to the version that replaced this process: it stays there.
  if (const auto next = self.node().successor_of(self.id().number()))
    if (holder == next.self->id())
      return true;
  if (only_own && holder != self.id())
    return false;
  return self.node().names().remove(std::string(name));
}

int registry_unregister(lua_State* L) {
  lua_pushboolean(L, remove_name(engine_of(L), text_argument(L, 1),
                                 luaL_optinteger(L, 2, 0) > 0));
  return 1;
}

} // namespace

void push_process_names(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"register", guarded<registry_register>},
                                    {"lookup", guarded<registry_lookup>},
                                    {"unregister", guarded<registry_unregister>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  constexpr const char* scopes[] = {"LOCAL", "EVENTUAL", "CONSISTENT", "STRONG"};
  for (int i = 0; i < 4; ++i) {
    lua_pushinteger(L, i);
    lua_setfield(L, -2, scopes[i]);
  }
}

} // namespace natterjack::runtime::lua
