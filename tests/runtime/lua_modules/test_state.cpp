#include "test_state.hpp"

#include "hub/node.hpp"
#include "runtime/lua/base/shims.hpp"
#include "runtime/lua/http/http_streaming.hpp"
#include "runtime/lua/json/json_codec.hpp"
#include "runtime/lua/process/error_argument.hpp"
#include "runtime/lua/shared/module_pg.hpp"

#include <cstdio>
#include <cstdlib>

namespace natterjack::tests {

using namespace runtime::lua;

struct test_state::context final : process_context {
  const hub::pid& id() const noexcept override { return self; }
  hub::node& node() const noexcept override {
    return home == nullptr ? std::abort(), *home : *home;
  }
  lua_runtime& runtime() const noexcept override { std::abort(); }
  const lua_program& program() const noexcept override { std::abort(); }
  http_exchange* exchange() noexcept override { return answering.request ? &answering : nullptr; }

  hub::node* home = nullptr;
  hub::pid self;
  http_exchange answering;
  std::string logged;
  std::string members; // of the last line
};

test_state::test_state(hub::node* home) : L(luaL_newstate()), host(std::make_unique<context>()) {
  host->home = home;
  *static_cast<context**>(lua_getextraspace(L)) = host.get();
  luaL_openlibs(L);
  const auto put = [this](const char* name, lua_CFunction opener) {
    lua_pushcfunction(L, opener);
    lua_call(L, 0, 1);
    lua_setglobal(L, name);
  };
  put("json", open_json);
  put("errors", open_errors);
  put("http", open_http);
  put("time", open_time_values);
  put("logger", open_logger);
  put("pg", open_pg);
  // What the standard library would do, to compare with.
  run("stock = {} for _, name in ipairs{'string', 'table', 'math', 'os'} do stock[name] = {} "
      "for k, v in pairs(_G[name]) do stock[name][k] = v end end");
  install_shims(L);
  push_math(L); // these two are made on first use elsewhere
  lua_setglobal(L, "math");
  push_os(L);
  lua_setglobal(L, "os");
}

test_state::~test_state() {
  lua_close(L);
}

std::string test_state::run(const std::string& chunk) {
  lua_settop(L, 0);
  std::string result;
  if (luaL_loadbuffer(L, chunk.data(), chunk.size(), "=chunk") != LUA_OK ||
      lua_pcall(L, 0, 1, 0) != LUA_OK)
    result = "error: ";
  size_t length = 0;
  const char* text = luaL_tolstring(L, -1, &length);
  result.append(text, length);
  lua_settop(L, 0);
  return result;
}

http_exchange& test_state::serve(relay::http_request request) {
  host->answering = {};
  host->answering.request = std::make_shared<const relay::http_request>(std::move(request));
  return host->answering;
}

void test_state::act_as(const hub::pid& id) {
  host->self = id;
}

std::string test_state::log_members() const { return host->members; }

std::string test_state::take_log() {
  return std::exchange(host->logged, {});
}

} // namespace natterjack::tests

// The part of host_api that is the engine's.
namespace natterjack::runtime::lua {

namespace {

thread_local char caught[256];

tests::test_state::context& host_of(lua_State* L) {
  return **static_cast<tests::test_state::context**>(lua_getextraspace(L));
}

} // namespace

process_context& context_of(lua_State* L) noexcept {
  return host_of(L);
}

int fail(lua_State* L, error_kind kind, std::string_view text) {
  lua_pushnil(L);
  push_error(L, kind, text);
  return 2;
}

int raise(lua_State* L, const char* text) {
  return luaL_error(L, "%s", text);
}
int raise_caught(lua_State* L) {
  return luaL_error(L, "%s", caught);
}
void keep_caught(const char* what) noexcept {
  std::snprintf(caught, sizeof(caught), "%s", what);
}

bool log_enabled(lua_State*, log_level level) noexcept {
  return level >= log_level::info;
}

bool log_members(lua_State*) noexcept { return true; }

void log(lua_State* L, log_level level, std::string_view text, std::string_view,
         std::string_view members) {
  host_of(L).members = members;
  constexpr const char* names[] = {"trace", "debug", "info", "warn", "error"};
  host_of(L).logged.append(names[static_cast<size_t>(level)]).append(" ").append(text).append("\n");
}

void check_budget(lua_State*) {
}

// No answer is started and no body comes in pieces here: that takes an engine, and is tested with one.
void start_answer(http_exchange&) {}
int send_body(lua_State*, http_exchange&, std::string_view) { return 0; }
void collect_body(http_exchange&) {}
void close_body(http_exchange&) {}
int await_body(lua_State* L, const http_exchange&, int64_t, lua_KFunction) {
  return raise(L, "nothing waits here");
}
void end_await(lua_State*, lua_KContext) noexcept {}

bool read_payload(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept {
  if (lua_type(L, index) == LUA_TSTRING) {
    size_t size = 0;
    const char* text = lua_tolstring(L, index, &size);
    out = hub::payload::text({text, size});
    return true;
  }
  if (lua_isnil(L, index)) {
    out = {};
    return true;
  }
  byte_buffer& buffer = encode_buffer();
  const bool encoded = encode_value(L, index, buffer, error);
  if (encoded)
    out = hub::payload::json(buffer.view());
  return encoded;
}

bool read_argument(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept {
  return read_payload(L, index, out, error);
}
void broadcast(hub::node& node, const std::string& group, const hub::message_ptr& what) {
  node.groups().broadcast(group, what);
}

} // namespace natterjack::runtime::lua
