// The Lua modules `http_client` and `websocket`; their shapes stand in library/.
#include "relay/websocket/client.hpp"
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/handle.hpp"
#include "runtime/lua/http/http_text.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/outgoing.hpp"
#include "runtime/lua/program/lua_library.hpp"
#include "runtime/lua/raw_field.hpp"
#include "runtime/lua/shared/services.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

const char socket_key = 0; // registry: metatable of open sockets

relay::io_pool* threads_of(engine& self) {
  return self.runtime().shared().of<outgoing>().threads;
}

std::string field(lua_State* L, int index, const char* name) {
  raw_field(L, index, name);
  std::string text(text_of(L, -1));
  lua_pop(L, 1);
  return text;
}

lua_Integer number(lua_State* L, int index, const char* name, lua_Integer otherwise) {
  raw_field(L, index, name);
  const auto value = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : otherwise;
  lua_pop(L, 1);
  return value;
}

std::chrono::nanoseconds patience(lua_State* L, int index, const char* name) {
  return std::chrono::nanoseconds(
      std::min(number(L, index, name, 30'000'000'000), lua_Integer{wait_ns_max}));
}

// {name, value, name, value…} under `key`
relay::header_list headers(lua_State* L, int index, const char* key) {
  relay::header_list all;
  raw_field(L, index, key);
  const auto count = lua_istable(L, -1) ? static_cast<lua_Integer>(lua_rawlen(L, -1)) : 0;
  for (lua_Integer i = 1; i + 1 <= count; i += 2) {
    lua_rawgeti(L, -1, i);
    lua_rawgeti(L, -2, i + 1);
    all.emplace_back(std::string(text_of(L, -2)), std::string(text_of(L, -1)));
    lua_pop(L, 2);
  }
  lua_pop(L, 1);
  return all;
}

// A line break in one of them would begin a header, or a request, of somebody else's making.
bool are_headers_fine(engine& self, lua_State* L) {
  const auto refuse = [&self](std::string_view what, const std::string& which) {
    self.scratch = std::string(what) + " '" + which.substr(0, 60) + "'";
    return false;
  };
  for (const auto& [name, value] : headers(L, 1, "headers")) {
    if (!is_token(name))
      return refuse("a header must have a name without blanks and separators, got", name);
    if (!is_header_value(value))
      return refuse("a header must have a value without line breaks and control bytes:", name);
  }
  for (const auto& [name, unused] : headers(L, 1, "protocols"))
    if (!is_token(name))
      return refuse("a protocol must be a word without blanks and separators, got", name);
  return true;
}

relay::client_tls tls(lua_State* L, int index) {
  relay::client_tls made;
  raw_field(L, index, "tls");
  if (lua_istable(L, -1)) {
    const int at = lua_gettop(L);
    made.ca = field(L, at, "ca");
    made.cert = field(L, at, "cert");
    made.key = field(L, at, "key");
    made.server_name = field(L, at, "server_name");
    raw_field(L, at, "insecure_skip_verify");
    made.verify = lua_toboolean(L, -1) == 0;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return made;
}

hub::payload bytes_payload(const std::string& bytes) {
  return hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes);
}

// -- http_client -----------------------------------------------------------------

bool start_fetch(engine& self, lua_State* L, const reply_address& to) {
  auto* threads = threads_of(self);
  if (threads == nullptr)
    return false;
  relay::client_request request;
  request.method = field(L, 1, "method");
  request.url = field(L, 1, "url");
  request.headers = headers(L, 1, "headers");
  request.body = field(L, 1, "body");
  request.timeout = patience(L, 1, "timeout_ns");
  request.body_max = static_cast<size_t>(number(L, 1, "body_max", 64 << 20));
  request.tls = tls(L, 1);
  relay::http_client(*threads).fetch(std::move(request), [to](relay::client_answer got) {
    if (!got.error.empty())
      return answer_error(to, {got.invalid ? error_kind::invalid
                               : got.error == "timeout" ? error_kind::timeout
                                                        : error_kind::unavailable,
                               got.error, got.invalid ? "" : "{\"retryable\":true}"});
    auto list = nlohmann::json::array();
    for (const auto& [name, value] : got.headers)
      list.push_back({name, value});
    answer(to, {hub::payload::json(std::to_string(got.status)), bytes_payload(got.body),
                hub::payload::json(list.dump(-1, ' ', false,
                                             nlohmann::json::error_handler_t::replace)),
                bytes_payload(got.url)});
  });
  return true;
}

// {method, url, headers, body, timeout_ns, body_max, tls} -> status, body, {{name, value}…}, url
int fetch(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstack(L, 12, nullptr);
  if (!are_headers_fine(engine_of(L), L))
    return fail(L, error_kind::invalid, engine_of(L).scratch);
  const auto to = expect_answer(L);
  if (start_fetch(engine_of(L), L, to))
    return await_answer(L);
  forget_answer(L, to);
  return fail(L, error_kind::unavailable, "this program makes no connections");
}

// -- websocket -------------------------------------------------------------------

struct socket_handle {
  std::shared_ptr<relay::websocket_client> socket;
};

int collect_socket(lua_State* L) {
  auto& handle = *static_cast<socket_handle*>(lua_touserdata(L, 1));
  if (handle.socket)
    handle.socket->close(1001, "");
  handle.~socket_handle();
  return 0;
}

socket_handle& socket_at(lua_State* L, int index) {
  return check_handle<socket_handle>(L, index, &socket_key, "a websocket");
}

bool start_socket(engine& self, lua_State* L, socket_handle& handle, const reply_address& opened,
                  const reply_address& items) {
  auto* threads = threads_of(self);
  if (threads == nullptr)
    return false;
  relay::socket_options options;
  options.url = field(L, 1, "url");
  options.headers = headers(L, 1, "headers");
  for (auto& [name, value] : headers(L, 1, "protocols"))
    options.protocols.push_back(name);
  options.dial_timeout = patience(L, 1, "dial_timeout_ns");
  options.message_max = static_cast<size_t>(number(L, 1, "read_limit", 16 << 20));
  options.tls = tls(L, 1);
  relay::socket_events events;
  events.on_open = [opened](std::string protocol) { answer(opened, {bytes_payload(protocol)}); };
  events.on_message = [items](const std::string& bytes, bool is_binary, hub::credit unheard) {
    stream_item(items, {bytes_payload(bytes), hub::payload::text(is_binary ? "binary" : "text")},
                std::move(unheard));
  };
  events.on_close = [opened, items](unsigned code, std::string reason) {
    answer_error(opened, {error_kind::unavailable, reason, "{\"retryable\":true}"});
    std::vector<hub::payload> last;
    if (code != 0)
      last = {hub::payload::json(std::to_string(code)), bytes_payload(reason),
              hub::payload::text("close")};
    end_stream(items, std::move(last));
  };
  handle.socket = relay::websocket_client::open(*threads, std::move(options), std::move(events));
  return true;
}

// options, handle -> what await_answer gives: the protocol
int open_socket(lua_State* L) {
  luaL_checktype(L, 1, LUA_TTABLE);
  luaL_checkstack(L, 12, nullptr);
  if (!are_headers_fine(engine_of(L), L))
    return fail(L, error_kind::invalid, engine_of(L).scratch);
  auto& handle = socket_at(L, 2);
  reply_address items;
  items.home = &engine_of(L).node();
  items.to = engine_of(L).id();
  items.number = static_cast<uint64_t>(luaL_checkinteger(L, 3));
  const auto opened = expect_answer(L);
  if (start_socket(engine_of(L), L, handle, opened, items))
    return await_answer(L);
  forget_answer(L, opened);
  return fail(L, error_kind::unavailable, "this program makes no connections");
}

// -> handle, channel, number of its stream
int new_socket(lua_State* L) {
  new (lua_newuserdatauv(L, sizeof(socket_handle), 0)) socket_handle;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &socket_key);
  lua_setmetatable(L, -2);
  const auto items = open_stream(L);
  lua_pushinteger(L, static_cast<lua_Integer>(items.number));
  return 3;
}

bool start_send(lua_State* L, socket_handle& handle, const reply_address& to) {
  return handle.socket &&
         handle.socket->send(std::string(text_of(L, 2)), lua_tointeger(L, 3) == 2, [to](bool good) {
           if (good)
             answer(to, {hub::payload::json("true")});
           else
             answer_error(to, error_kind::unavailable, "the connection is closed");
         });
}

// handle, text, type
int send(lua_State* L) {
  auto& handle = socket_at(L, 1);
  text_argument(L, 2);
  const auto to = expect_answer(L);
  if (start_send(L, handle, to))
    return await_answer(L);
  forget_answer(L, to);
  return fail(L, error_kind::unavailable, "the connection is closed, or too much waits to be sent");
}

int ping(lua_State* L) {
  auto& handle = socket_at(L, 1);
  if (handle.socket)
    handle.socket->ping();
  lua_pushboolean(L, 1);
  return 1;
}

int close(lua_State* L) {
  auto& handle = socket_at(L, 1);
  if (handle.socket)
    handle.socket->close(static_cast<unsigned>(luaL_optinteger(L, 2, 1000)),
                         std::string(text_of(L, 3)));
  lua_pushboolean(L, 1);
  return 1;
}

} // namespace

int open_http_client(lua_State* L) {
  constexpr luaL_Reg functions[] = {{"fetch", guarded<fetch>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "http_client");
  return 1;
}

int open_websocket(lua_State* L) {
  make_handle_class(L, &socket_key, collect_socket);
  constexpr luaL_Reg functions[] = {{"new_socket", guarded<new_socket>},
                                    {"open", guarded<open_socket>},
                                    {"send", guarded<send>},
                                    {"ping", guarded<ping>},
                                    {"close", guarded<close>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  run_library(L, "websocket");
  return 1;
}

} // namespace natterjack::runtime::lua
