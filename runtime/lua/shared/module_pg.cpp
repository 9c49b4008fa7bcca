#include "runtime/lua/shared/module_pg.hpp"

#include "hub/node.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/json/json_codec.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/text_argument.hpp"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <vector>

namespace natterjack::runtime::lua {

namespace {

char group_key; // its address names the metatable in the registry

constexpr size_t name_bytes_max = 200;
constexpr lua_Integer names_max = 1'000;
constexpr int scope_value = 1;

struct group_object {
  bool released;
};

// Plain data: what an inner function, which holds C++ objects, has to say.
struct outcome {
  bool done = true;
  error_kind kind = error_kind::invalid;
  char text[300] = "";

  [[gnu::format(printf, 3, 4)]] void say(error_kind why, const char* format, ...) {
    done = false;
    kind = why;
    va_list args;
    va_start(args, format);
    std::vsnprintf(text, sizeof(text), format, args);
    va_end(args);
  }
};

int push_outcome(lua_State* L, const outcome& result) {
  if (!result.done)
    return fail(L, result.kind, result.text);
  lua_pushboolean(L, 1);
  return 1;
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= name_bytes_max &&
         std::none_of(name.begin(), name.end(),
                      [](char c) { return static_cast<unsigned char>(c) < 0x20; });
}

const char* what_is_no_name(lua_State* L, int index) {
  if (lua_type(L, index) != LUA_TSTRING)
    return luaL_typename(L, index);
  const auto size = text_of(L, index).size();
  return size == 0               ? "an empty text"
         : size > name_bytes_max ? "a longer one"
                                 : "one with a control byte";
}

// The scope of the group at index 1; empty, with an error pushed, if it was released.
std::string_view scope_of(lua_State* L, const char* method) {
  const group_object* group = nullptr;
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1) != 0) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, &group_key);
    if (lua_rawequal(L, -1, -2) != 0)
      group = static_cast<const group_object*>(lua_touserdata(L, 1));
    lua_pop(L, 2);
  }
  if (group == nullptr)
    luaL_error(L, "%s is a method: write group:%s(...) with a colon", method, method);
  if (group->released) {
    fail(L, error_kind::invalid, "this group has been released");
    return {};
  }
  lua_getiuservalue(L, 1, scope_value);
  const std::string_view scope = text_of(L, -1);
  lua_pop(L, 1);
  return scope; // the group keeps it
}

std::string full_name(std::string_view scope, std::string_view name) {
  std::string full;
  full.reserve(scope.size() + 1 + name.size());
  full.append(scope).append("/").append(name);
  return full;
}

// -- join and leave -----------------------------------------------------------------------

// Empty text: the calling process.
hub::process_ref find_member(process_context& context, std::string_view pid_text, outcome& result) {
  if (pid_text.empty())
    return context.node().processes().find(context.id().number());
  std::string why;
  auto found = context.node().resolve(pid_text, &why);
  if (!found)
    result.say(error_kind::not_found, "%s", why.c_str());
  return found;
}

bool join_now(process_context& context, std::string_view scope, std::string_view name,
              std::string_view pid_text, outcome& result) {
  const auto member = find_member(context, pid_text, result);
  if (!member) {
    if (result.done)
      result.say(error_kind::not_found, "this process is not known to its node");
    return false;
  }
  const auto full = full_name(scope, name);
  context.node().groups().join(full, member);
  // If it ended meanwhile it has left its groups already, perhaps before it was in this one.
  const auto id = member.self->id();
  if (!context.node().processes().find(id.number()))
    context.node().groups().leave(full, id);
  return true;
}

bool leave_now(process_context& context, std::string_view scope, std::string_view name,
               std::string_view pid_text, outcome& result) {
  hub::pid id = context.id();
  if (!pid_text.empty()) {
    const auto member = find_member(context, pid_text, result);
    if (!member)
      return false;
    id = member.self->id();
  }
  return context.node().groups().leave(full_name(scope, name), id);
}

using change = bool (*)(process_context&, std::string_view, std::string_view, std::string_view,
                        outcome&);

// Applies `apply` to the name, or the names, at index 2. @returns how often it had an effect
size_t for_each_name(lua_State* L, std::string_view scope, change apply, outcome& result) {
  auto& context = context_of(L);
  const std::string_view pid_text = text_of(L, 3);
  if (!lua_isnoneornil(L, 3) && pid_text.empty()) {
    result.say(error_kind::invalid, "the process must be a PID text, got %s", luaL_typename(L, 3));
    return 0;
  }
  const bool list = lua_type(L, 2) == LUA_TTABLE;
  const lua_Integer count = list ? static_cast<lua_Integer>(lua_rawlen(L, 2)) : 1;
  if (count == 0 || count > names_max) {
    result.say(error_kind::invalid, "a list of groups has 1 to %d names",
               static_cast<int>(names_max));
    return 0;
  }
  size_t effective = 0;
  for (lua_Integer i = 1; i <= count && result.done; ++i) {
    if (list)
      lua_rawgeti(L, 2, i);
    else
      lua_pushvalue(L, 2);
    if (lua_type(L, -1) != LUA_TSTRING || !is_name(text_of(L, -1)))
      result.say(error_kind::invalid,
                 "the name of a group is a text of 1 to %zu bytes without control bytes, got "
                 "%s",
                 name_bytes_max, what_is_no_name(L, -1));
    else
      effective += apply(context, scope, text_of(L, -1), pid_text, result);
    lua_pop(L, 1);
  }
  return effective;
}

int group_join(lua_State* L) {
  const std::string_view scope = scope_of(L, "join");
  if (scope.empty())
    return 2;
  outcome result;
  for_each_name(L, scope, join_now, result);
  return push_outcome(L, result);
}

int group_leave(lua_State* L) {
  const std::string_view scope = scope_of(L, "leave");
  if (scope.empty())
    return 2;
  outcome result;
  const size_t left = for_each_name(L, scope, leave_now, result);
  if (result.done && left == 0)
    result.say(error_kind::invalid, "the process is a member of none of these groups");
  return push_outcome(L, result);
}

// -- lists ----------------------------------------------------------------------------------

// Leaves the lines in the context's scratch string, which survives a raise.
void write_members(process_context& context, std::string_view scope, std::string_view name) {
  context.scratch.clear();
  for (const auto& id : context.node().groups().members(full_name(scope, name))) {
    hub::append(context.scratch, id);
    context.scratch += '\n';
  }
}

void write_groups(process_context& context, std::string_view scope) {
  const std::string prefix = full_name(scope, {});
  context.scratch.clear();
  for (const auto& name : context.node().groups().names())
    if (name.starts_with(prefix))
      context.scratch.append(name, prefix.size()).append("\n");
}

int push_lines(lua_State* L) {
  std::string_view rest = context_of(L).scratch;
  lua_newtable(L);
  for (lua_Integer i = 1; !rest.empty(); ++i) {
    const size_t end = rest.find('\n');
    lua_pushlstring(L, rest.data(), end);
    lua_rawseti(L, -2, i);
    rest.remove_prefix(end + 1);
  }
  return 1;
}

int group_get_members(lua_State* L) {
  const std::string_view scope = scope_of(L, "get_members");
  if (scope.empty())
    return 2;
  if (lua_type(L, 2) != LUA_TSTRING || !is_name(text_of(L, 2)))
    return fail(L, error_kind::invalid, "get_members takes the name of a group");
  write_members(context_of(L), scope, text_of(L, 2));
  return push_lines(L);
}

int group_which_groups(lua_State* L) {
  const std::string_view scope = scope_of(L, "which_groups");
  if (scope.empty())
    return 2;
  write_groups(context_of(L), scope);
  return push_lines(L);
}

// -- broadcast --------------------------------------------------------------------------------

// Holds C++ objects; calls of Lua in here do not raise.
void broadcast_now(lua_State* L, int first, std::string_view scope, outcome& result) {
  auto& context = context_of(L);
  const std::string_view topic = text_of(L, 3);
  const int count = lua_gettop(L) - first + 1;
  std::vector<hub::payload> values(static_cast<size_t>(count > 0 ? count : 0));
  for (size_t i = 0; i < values.size(); ++i) {
    encode_error error;
    if (!read_argument(L, first + static_cast<int>(i), values[i], error))
      return result.say(error_kind::invalid, "value %zu of the broadcast: %.200s", i + 1,
                        error.text);
  }
  broadcast(
      context.node(), full_name(scope, text_of(L, 2)),
      hub::make_message(context.id(), hub::shared_bytes(topic), std::move(values)));
}

int group_broadcast(lua_State* L) {
  const std::string_view scope = scope_of(L, "broadcast");
  if (scope.empty())
    return 2;
  if (lua_type(L, 2) != LUA_TSTRING || !is_name(text_of(L, 2)))
    return fail(L, error_kind::invalid, "broadcast takes the name of a group first");
  if (lua_type(L, 3) != LUA_TSTRING || text_of(L, 3).empty())
    return fail(L, error_kind::invalid, "broadcast takes a topic second");
  if (text_of(L, 3).starts_with('@'))
    return fail(L, error_kind::invalid, "cannot send to @ topics");
  luaL_checkstack(L, 8, "no room for the values");
  outcome result;
  broadcast_now(L, 4, scope, result);
  return push_outcome(L, result);
}

int group_release(lua_State* L) {
  if (!scope_of(L, "release").empty())
    static_cast<group_object*>(lua_touserdata(L, 1))->released = true;
  lua_pushboolean(L, 1);
  return 1;
}

int pg_open(lua_State* L) {
  const std::string_view scope = text_of(L, 1);
  const size_t colon = scope.find(':');
  if (!is_name(scope) || colon == 0 || colon >= scope.size() - 1 || scope.find('/') < scope.size())
    return fail(L, error_kind::invalid, "pg.open takes an entry id, as in \"app:groups\"");
  auto* group = static_cast<group_object*>(lua_newuserdatauv(L, sizeof(group_object), 1));
  group->released = false;
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, scope_value);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &group_key);
  lua_setmetatable(L, -2);
  return 1;
}

} // namespace

int open_pg(lua_State* L) {
  luaL_checkstack(L, 6, "no room for a module");
  constexpr luaL_Reg methods[] = {{"join", guarded<group_join>},
                                  {"leave", guarded<group_leave>},
                                  {"get_members", guarded<group_get_members>},
                                  {"get_local_members", guarded<group_get_members>},
                                  {"which_groups", guarded<group_which_groups>},
                                  {"which_local_groups", guarded<group_which_groups>},
                                  {"broadcast", guarded<group_broadcast>},
                                  {"broadcast_local", guarded<group_broadcast>},
                                  {"release", guarded<group_release>},
                                  {nullptr, nullptr}};
  lua_createtable(L, 0, 3);
  luaL_newlib(L, methods);
  lua_setfield(L, -2, "__index");
  lua_pushliteral(L, "pg.Group");
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &group_key);
  constexpr luaL_Reg functions[] = {{"open", guarded<pg_open>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
