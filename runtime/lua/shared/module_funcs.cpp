// The Lua module `funcs`: calls of other functions; its shape stands in library/funcs.lua.
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/lua/handle.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/raw_field.hpp"
#include "runtime/lua/shared/call_context.hpp"
#include "runtime/lua/shared/process_call.hpp"
#include "runtime/lua/shared/scripted_entries.hpp"
#include "runtime/lua/shared/services.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

const char call_key = 0; // registry: metatable of a call that runs

struct running_call {
  std::shared_ptr<function_pool> pool;
  function_call_ptr call;
  hub::process_ref process; // set instead of both: the callee is a process
};

struct start_result {
  bool good = false;
  error_kind kind = error_kind::unknown; // the text is in `scratch`
};

start_result refuse(engine& self, error_kind kind, std::string why) {
  self.scratch = std::move(why);
  return {false, kind};
}

// Null: no such function.
std::shared_ptr<function_pool> find_pool(lua_runtime& runtime, const std::string& id) {
  auto& shared = runtime.shared();
  if (auto scripted = shared.of<scripted_entries>().find_pool(runtime, id))
    return *scripted;
  return shared.find_function ? shared.find_function(id) : nullptr;
}

start_result start_process(engine& self, const std::string& id, std::vector<hub::payload> arguments,
                           call_extras extras, running_call& made) {
  auto& runtime = self.runtime();
  auto program = runtime.find_program(id);
  if (!program)
    return refuse(self, error_kind::not_found, "no function.lua entry '" + id + "'");
  const auto host = host_for_calls(runtime, id);
  if (host.empty())
    return refuse(self, error_kind::not_found,
                  "'" + id + "' is a process: to be called as a function it needs meta.default_host");
  failure why;
  made.process = start_process_call(runtime, std::move(program), host, std::move(arguments),
                                    std::move(extras), why);
  return made.process ? start_result{true, {}} : refuse(self, why.kind, std::move(why.text));
}

// id, options table or nil, arguments…; the answer goes where `deliver` sends it.
start_result start_call(engine& self, lua_State* L, int last, running_call& made,
                        std::function<void(main_end&)> deliver) {
  const auto id = std::string(text_of(L, 1));
  made.pool = find_pool(self.runtime(), id);
  call_extras extras;
  extras.context = self.context;
  encode_error error;
  if (lua_istable(L, 2)) {
    raw_field(L, 2, "context");
    const bool fine = extend_context(L, lua_gettop(L), extras.context, error);
    lua_pop(L, 1);
    if (!fine)
      return refuse(self, error_kind::invalid, error.text);
    raw_field(L, 2, "timeout_ns");
    extras.deadline =
        std::chrono::nanoseconds(std::min(lua_tointeger(L, -1), lua_Integer{wait_ns_max}));
    lua_pop(L, 1);
  }
  std::vector<hub::payload> arguments;
  for (int i = 3; i <= last; ++i)
    if (!read_argument(L, i, arguments.emplace_back(), error))
      return refuse(self, error_kind::invalid, error.text);
  extras.done = std::move(deliver);
  if (!made.pool)
    return start_process(self, id, std::move(arguments), std::move(extras), made);
  made.call = made.pool->call(std::move(arguments), std::move(extras));
  return {true, {}};
}

void check_arguments(lua_State* L) {
  text_argument(L, 1);
  luaL_checkstack(L, 8, "too many arguments");
}

start_result start_answered(engine& self, lua_State* L, int last, const reply_address& to) {
  running_call made;
  return start_call(self, L, last, made, [to](main_end& end) {
    if (end.why.text.empty())
      answer(to, {std::move(end.result.value)});
    else
      answer_error(to, end.why);
  });
}

// id, options, arguments… -> results, or nil and an error
int call(lua_State* L) {
  check_arguments(L);
  auto& self = engine_of(L);
  const int last = lua_gettop(L);
  const auto to = expect_answer(L);
  const auto result = start_answered(self, L, last, to);
  if (result.good)
    return await_answer(L);
  forget_answer(L, to);
  return fail(L, result.kind, self.scratch);
}

start_result start_streamed(engine& self, lua_State* L, int last, running_call& made,
                            const reply_address& to) {
  return start_call(self, L, last, made, [to](main_end& end) {
    auto values = end.why.text.empty() ? std::vector<hub::payload>{hub::payload::text("")}
                                       : failure_values(end.why);
    if (end.why.text.empty())
      values.push_back(std::move(end.result.value));
    if (values.back().kind() == hub::payload_kind::nil)
      values.pop_back();
    values.push_back(hub::payload::text("end")); // so that it is never a single value
    stream_item(to, std::move(values));
    end_stream(to);
  });
}

// id, options, arguments… -> channel of {kind, value…}, handle; or nil and an error
int start(lua_State* L) {
  check_arguments(L);
  auto& self = engine_of(L);
  const int last = lua_gettop(L);
  auto* made = new (lua_newuserdatauv(L, sizeof(running_call), 0)) running_call;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &call_key);
  lua_setmetatable(L, -2);
  const auto to = open_stream(L);
  const auto result = start_streamed(self, L, last, *made, to);
  if (!result.good) {
    close_stream(L, to.number);
    return fail(L, result.kind, self.scratch);
  }
  lua_insert(L, -2);
  return 2;
}

int cancel(lua_State* L) {
  auto& held = check_handle<running_call>(L, 1, &call_key, "a call");
  if (held.pool)
    held.pool->cancel(held.call);
  else if (held.process)
    end_process_call(held.process);
  return 0;
}

int collect_call(lua_State* L) {
  static_cast<running_call*>(lua_touserdata(L, 1))->~running_call();
  return 0;
}

// A payload of one's own, for Future:result().
int wrap(lua_State* L) {
  lua_settop(L, 1);
  lua_getglobal(L, "payload");
  lua_getfield(L, -1, "new");
  lua_pushvalue(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

} // namespace

bool read_payloads(lua_State* L, int first, std::vector<hub::payload>& out, encode_error& error) {
  for (int i = first; i <= lua_gettop(L); ++i)
    if (!read_argument(L, i, out.emplace_back(), error))
      return false;
  return true;
}

bool extend_context(lua_State* L, int index, std::shared_ptr<const call_context>& base,
                    encode_error& error) {
  if (!lua_istable(L, index))
    return true;
  auto made = std::make_shared<call_context>(base ? *base : call_context{});
  lua_pushnil(L);
  while (lua_next(L, index) != 0) {
    if (lua_type(L, -2) == LUA_TSTRING) {
      hub::payload value;
      if (!read_payload(L, lua_gettop(L), value, error)) {
        lua_pop(L, 2);
        return false;
      }
      const std::string key(text_of(L, -2));
      if (key == "\1actor")
        made->actor = std::move(value);
      else if (key == "\1scope")
        made->scope = std::move(value);
      else
        made->values.insert_or_assign(key, std::move(value));
    }
    lua_pop(L, 1);
  }
  base = std::move(made);
  return true;
}

int open_funcs(lua_State* L) {
  make_handle_class(L, &call_key, collect_call);
  constexpr luaL_Reg functions[] = {{"call", guarded<call>},
                                    {"start", guarded<start>},
                                    {"cancel", guarded<cancel>},
                                    {"wrap", guarded<wrap>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "funcs");
  return 1;
}

} // namespace natterjack::runtime::lua
