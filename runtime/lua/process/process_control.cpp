// `process.spawn*`, `exec`, `terminate`, `cancel`, `monitor`, `link` and their opposites.
#include "hub/node.hpp"
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/process/lua_process.hpp"
#include "runtime/lua/process/payload_object.hpp"
#include "runtime/lua/process/process_library.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/raw_field.hpp"
#include "runtime/lua/reply.hpp"

#include <caf/all.hpp>

#include <algorithm>
#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

// What a step in C++ found out; texts are in `scratch`. Plain data: lives across Lua errors.
struct outcome {
  bool good = false;
  error_kind kind = error_kind::unknown;
};

outcome refuse(engine& self, error_kind kind, std::string why) {
  self.scratch = std::move(why);
  return {false, kind};
}

int answer(lua_State* L, outcome result) {
  if (!result.good)
    return fail(L, result.kind, engine_of(L).scratch);
  lua_pushboolean(L, 1);
  return 1;
}

// -- spawn --------------------------------------------------------------------

enum class bond : uint8_t { none, monitored, linked, both, awaited };

// An id without a namespace is one of the caller's own.
std::string full_id(engine& self, std::string_view id) {
  if (id.find(':') != std::string_view::npos)
    return std::string(id);
  const auto& own = self.program().id();
  return own.substr(0, own.find(':') + 1) + std::string(id);
}

// The length of a table costs no memory (keys 1, 2, 4, 8… make it 2^n): loops need a bound.
constexpr lua_Integer first_messages_max = 10'000;
constexpr lua_Integer message_values_max = 10'000;

// {topic, n, value…} for each, as the table on top of the stack has them.
bool read_messages(engine& self, lua_State* L, std::vector<hub::message_ptr>& out,
                   encode_error& error) {
  const auto count = static_cast<lua_Integer>(lua_rawlen(L, -1));
  if (count > first_messages_max) {
    std::snprintf(error.text, sizeof error.text, "more than 10000 messages for a new process");
    return false;
  }
  for (lua_Integer i = 1; i <= count; ++i) {
    if (lua_rawgeti(L, -1, i) != LUA_TTABLE) {
      lua_pop(L, 1);
      std::snprintf(error.text, sizeof error.text, "a message for the new process is no table");
      return false;
    }
    lua_rawgeti(L, -1, 1);
    const std::string topic(text_of(L, -1));
    lua_rawgeti(L, -2, 2);
    const auto values = std::min(lua_tointeger(L, -1), message_values_max);
    lua_pop(L, 2);
    std::vector<hub::payload> payloads;
    for (lua_Integer v = 1; v <= values; ++v) {
      lua_rawgeti(L, -1, v + 2);
      const bool fine = read_argument(L, lua_gettop(L), payloads.emplace_back(), error);
      lua_pop(L, 1);
      if (!fine) {
        lua_pop(L, 1);
        return false;
      }
    }
    lua_pop(L, 1);
    out.push_back(hub::make_message(self.id(), hub::shared_bytes(topic), std::move(payloads)));
  }
  return true;
}

// {context =, name =, messages =} at `index`.
bool read_spawn_options(engine& self, lua_State* L, int index, spawn_options& out,
                        encode_error& error) {
  raw_field(L, index, "name");
  out.name = text_of(L, -1);
  raw_field(L, index, "context");
  const bool fine = extend_context(L, lua_gettop(L), out.context, error);
  lua_pop(L, 2);
  if (!fine)
    return false;
  const bool messages = raw_field(L, index, "messages") != LUA_TTABLE ||
                        read_messages(self, L, out.messages, error);
  lua_pop(L, 1);
  return messages;
}

// Somebody who has the name already and gets the messages then; null: nobody has it.
hub::process_ref find_holder(engine& self, const spawn_options& options) {
  const auto holder = options.name.empty() ? std::nullopt : self.node().names().lookup(options.name);
  auto who = holder ? self.node().processes().find(holder->number()) : hub::process_ref{};
  if (who)
    for (const auto& one : options.messages)
      deliver(*who.self, one);
  return who;
}

// A process of another language has no context; a name is its own as soon as it runs.
spawn_result spawn_other(engine& self, const launcher& start, hub::process_host& where,
                         const std::vector<hub::payload>& arguments, const spawn_options& options) {
  auto made = start(where, arguments);
  if (!made)
    return made;
  auto& process = *made.process.self;
  const auto named = options.name.empty() ? hub::register_result::registered
                                          : self.node().names().add(options.name, process.id());
  if (named == hub::register_result::taken || named == hub::register_result::too_many) {
    caf::anon_send_exit(made.process.actor, caf::exit_reason::kill);
    return {{}, "name '" + options.name + "' is taken"};
  }
  for (const auto& one : options.messages)
    process.deliver(for_others(one));
  return made;
}

// Entry id, host id and arguments stand from `first` on; on success `scratch` holds the PID.
// @param settings  index of a table of options; 0: none
outcome spawn_process(engine& self, lua_State* L, bond how, int first = 1, int settings = 0) {
  const auto entry = full_id(self, text_of(L, first));
  const auto host_id = full_id(self, text_of(L, first + 1));
  auto& runtime = self.runtime();
  auto program = runtime.find_program(entry);
  const auto start_other = program ? launcher{} : runtime.find_launcher(entry);
  if (!program && !start_other)
    return refuse(self, error_kind::not_found, "no process.lua or process.cpp entry '" + entry + "'");
  auto* host = runtime.find_host(host_id);
  if (host == nullptr)
    return refuse(self, error_kind::not_found, "no process.host entry '" + host_id + "'");
  std::vector<hub::payload> arguments;
  spawn_options options;
  options.context = self.context;
  encode_error error;
  for (int i = first + 2; i <= lua_gettop(L); ++i)
    if (const auto read = program ? read_argument : read_payload;
        !read(L, i, arguments.emplace_back(), error))
      return refuse(self, error_kind::invalid, error.text);
  if (settings != 0 && !read_spawn_options(self, L, settings, options, error))
    return refuse(self, error_kind::invalid, error.text);
  auto who = find_holder(self, options);
  if (!who) {
    auto made = program ? runtime.spawn(std::move(program), *host, std::move(arguments),
                                        std::move(options))
                        : spawn_other(self, start_other, *host, arguments, options);
    if (!made)
      return refuse(self, error_kind::unavailable, std::move(made.error));
    who = std::move(made.process);
  }
  auto& actor = self.actor();
  if (how == bond::monitored || how == bond::both)
    actor.watch(who);
  if (how == bond::linked || how == bond::both)
    actor.tie(who);
  if (how == bond::awaited)
    actor.await_end(who, self.current().number);
  self.scratch = to_string(who.self->id());
  return {true, {}};
}

void check_spawn(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING || lua_type(L, 2) != LUA_TSTRING)
    raise(L, lua_pushfstring(L,
                             "a process is started with the id of its entry and of a host, as in "
                             "process.spawn(\"app:worker\", \"system:processes\", ...), got %s and %s",
                             luaL_typename(L, 1), luaL_typename(L, 2)));
}

template <bond How> int process_spawn(lua_State* L) {
  check_spawn(L);
  auto& self = engine_of(L);
  const auto result = spawn_process(self, L, How);
  if (!result.good)
    return fail(L, result.kind, self.scratch);
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

// @returns false if it failed: the text is in `scratch` and the facts are in `out`; else the value is
bool take_end(engine& self, hub::payload& out) {
  auto how = self.actor().take_awaited(self.current().number);
  self.scratch = how ? std::move(how->error) : "the process is gone";
  if (how)
    out = std::move(self.scratch.empty() ? how->value : how->error_facts);
  return self.scratch.empty();
}

int exec_ended(lua_State* L, int, lua_KContext) {
  auto& self = engine_of(L);
  auto& told = push_empty_payload(L); // owned by the state: decoding may raise
  if (!take_end(self, told)) {
    lua_pushnil(L);
    push_known_error(L, self.scratch, told);
    return 2;
  }
  decode_error error;
  if (!push_argument(L, told, error))
    lua_pushnil(L);
  return 1;
}

// settings, bond, entry, host, arguments…; what the builder of with_context ends in.
int spawn_with(lua_State* L) {
  text_argument(L, 3);
  text_argument(L, 4);
  luaL_checkstack(L, 8, "too many arguments");
  auto& self = engine_of(L);
  const auto how = static_cast<bond>(luaL_checkinteger(L, 2));
  if (how == bond::awaited)
    self.check_can_wait(L);
  const auto result = spawn_process(self, L, how, 3, 1);
  if (!result.good)
    return fail(L, result.kind, self.scratch);
  if (how == bond::awaited)
    return self.wait(L, 0, guarded_k<exec_ended>);
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

// process.with_context and with_options: made with the first of their calls in a state.
const char spawner_key = 0;

template <const char* Method> int start_builder(lua_State* L) {
  lua_settop(L, 1);
  if (lua_rawgetp(L, LUA_REGISTRYINDEX, &spawner_key) != LUA_TTABLE) {
    lua_pop(L, 1);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, guarded<spawn_with>);
    lua_setfield(L, -2, "spawn_with");
    run_library(L, "spawner");
    lua_pushvalue(L, -1);
    lua_rawsetp(L, LUA_REGISTRYINDEX, &spawner_key);
  }
  lua_getfield(L, -1, Method);
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

constexpr char with_context_name[] = "with_context";
constexpr char with_options_name[] = "with_options";

outcome start_upgrade(engine& self, lua_State* L) {
  auto program = self.shared_program();
  if (!lua_isnil(L, 1)) {
    const auto id = full_id(self, text_of(L, 1));
    program = self.runtime().find_program(id);
    if (!program)
      return refuse(self, error_kind::not_found, "no process.lua entry '" + id + "'");
  } else if (auto newer = self.runtime().find_program(program->id())) {
    program = std::move(newer);
  }
  std::vector<hub::payload> arguments;
  encode_error error;
  if (!read_payloads(L, 2, arguments, error))
    return refuse(self, error_kind::invalid, error.text);
  self.upgrade(std::move(program), std::move(arguments));
  return {true, {}};
}

// entry id or nil, arguments…; does not return
int process_upgrade(lua_State* L) {
  if (lua_gettop(L) == 0)
    lua_pushnil(L);
  if (!lua_isnil(L, 1))
    text_argument(L, 1);
  auto& self = engine_of(L);
  if (self.actor().is_worker())
    return fail(L, error_kind::invalid, "process.upgrade: a function is not a process");
  self.check_can_wait(L);
  const auto result = start_upgrade(self, L);
  if (!result.good)
    return fail(L, result.kind, self.scratch);
  return self.leave(L);
}

int process_exec(lua_State* L) {
  if (text_argument(L, 1).find(':') == std::string_view::npos)
    return fail(L, error_kind::invalid, "process.exec takes an entry id such as app:name");
  text_argument(L, 2);
  auto& self = engine_of(L);
  self.check_can_wait(L);
  const auto result = spawn_process(self, L, bond::awaited);
  if (!result.good)
    return fail(L, result.kind, self.scratch);
  return self.wait(L, 0, guarded_k<exec_ended>);
}

// -- others -------------------------------------------------------------------

template <class Action> outcome with_process(engine& self, std::string_view dest, Action&& act) {
  auto found = self.node().resolve(dest);
  if (!found)
    return refuse(self, error_kind::not_found, "pid not registered");
  return act(found);
}

int process_terminate(lua_State* L) {
  auto& self = engine_of(L);
  return answer(L, with_process(self, text_argument(L, 1), [](const hub::process_ref& who) {
                  // Every process obeys. `kill` would take those that trap links with it.
                  caf::anon_send_exit(caf::actor_cast<caf::actor>(who.actor),
                                      caf::exit_reason::user_shutdown);
                  return outcome{true, {}};
                }));
}

// The second argument is a reason; a deadline such as "5s", as older code gives, is one as well.
int process_cancel(lua_State* L) {
  auto& self = engine_of(L);
  const auto reason = lua_isnoneornil(L, 2) ? std::string_view{} : text_argument(L, 2);
  return answer(
      L, with_process(self, text_argument(L, 1), [&self, reason](const hub::process_ref& who) -> outcome {
        if (auto* other = dynamic_cast<lua_process*>(who.self);
            other != nullptr && !other->takes_cancel())
          return refuse(self, error_kind::unavailable, to_string(hub::send_result::mailbox_full));
        caf::anon_send(caf::actor_cast<caf::actor>(who.actor),
                       hub::cancel_signal{self.id(), std::string(reason)});
        return outcome{true, {}};
      }));
}

int process_monitor(lua_State* L) {
  auto& self = engine_of(L);
  return answer(L, with_process(self, text_argument(L, 1), [&self](const hub::process_ref& who) {
                  return self.actor().watch(who)
                             ? outcome{true, {}}
                             : refuse(self, error_kind::already_exists, "already monitoring");
                }));
}

int process_unmonitor(lua_State* L) {
  auto& self = engine_of(L);
  return answer(L, with_process(self, text_argument(L, 1), [&self](const hub::process_ref& who) {
                  return self.actor().unwatch(who)
                             ? outcome{true, {}}
                             : refuse(self, error_kind::not_found, "not monitoring");
                }));
}

int process_link(lua_State* L) {
  auto& self = engine_of(L);
  return answer(L, with_process(self, text_argument(L, 1), [&self](const hub::process_ref& who) {
                  return self.actor().tie(who)
                             ? outcome{true, {}}
                             : refuse(self, error_kind::already_exists, "already linked");
                }));
}

int process_unlink(lua_State* L) {
  auto& self = engine_of(L);
  return answer(L, with_process(self, text_argument(L, 1), [&self](const hub::process_ref& who) {
                  return self.actor().untie(who)
                             ? outcome{true, {}}
                             : refuse(self, error_kind::not_found, "not linked");
                }));
}

} // namespace

void add_process_control(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"spawn", guarded<process_spawn<bond::none>>},
                                    {"spawn_monitored", guarded<process_spawn<bond::monitored>>},
                                    {"spawn_linked", guarded<process_spawn<bond::linked>>},
                                    {"spawn_linked_monitored", guarded<process_spawn<bond::both>>},
                                    {"exec", guarded<process_exec>},
                                    {"upgrade", guarded<process_upgrade>},
                                    {"with_context", guarded<start_builder<with_context_name>>},
                                    {"with_options", guarded<start_builder<with_options_name>>},
                                    {"terminate", guarded<process_terminate>},
                                    {"cancel", guarded<process_cancel>},
                                    {"monitor", guarded<process_monitor>},
                                    {"unmonitor", guarded<process_unmonitor>},
                                    {"link", guarded<process_link>},
                                    {"unlink", guarded<process_unlink>},
                                    {nullptr, nullptr}};
  luaL_setfuncs(L, functions, 0);
}

} // namespace natterjack::runtime::lua
