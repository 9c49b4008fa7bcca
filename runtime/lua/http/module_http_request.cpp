#include "runtime/lua/http/module_http.hpp"

#include "hub/text.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/http/http_streaming.hpp"
#include "runtime/lua/http/http_text.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <algorithm>
#include <charconv>

namespace natterjack::runtime::lua {

namespace {

char request_key; // their addresses name the metatables in the registry
char stream_key;

constexpr size_t body_max_default = 120u << 20;
constexpr size_t timeout_default_ms = 300'000;

void push_text(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

int push_over(lua_State* L) {
  return fail(L, error_kind::internal, "this request has been answered already");
}

// The request of the handle at index 1, or null with nil and an error pushed.
const relay::http_request* request_of(lua_State* L, const char* method) {
  const http_exchange* exchange = exchange_of(L, check_http_handle(L, &request_key, "req", method));
  if (exchange == nullptr)
    push_over(L);
  return exchange == nullptr ? nullptr : exchange->request.get();
}

// A key that names a header or a parameter.
std::string_view check_key(lua_State* L, const char* method) {
  if (lua_type(L, 2) != LUA_TSTRING)
    luaL_error(L, "req:%s takes a name, got %s", method, luaL_typename(L, 2));
  size_t length = 0;
  const char* text = lua_tolstring(L, 2, &length);
  return {text, length};
}

// -- query ------------------------------------------------------------------------

int request_query(lua_State* L) {
  const relay::http_request* request = request_of(L, "query");
  if (request == nullptr)
    return 2;
  const std::string_view key = check_key(L, "query");
  std::string_view rest = request->query;
  for (query_pair pair; next_query_pair(rest, encode_buffer(), pair);) {
    if (pair.key == key) {
      push_text(L, pair.value);
      return 1;
    }
  }
  lua_pushnil(L);
  return 1;
}

int request_query_params(lua_State* L) {
  const relay::http_request* request = request_of(L, "query_params");
  if (request == nullptr)
    return 2;
  lua_newtable(L);
  std::string_view rest = request->query;
  for (query_pair pair; next_query_pair(rest, encode_buffer(), pair);) {
    push_text(L, pair.key);
    lua_pushvalue(L, -1);
    if (lua_rawget(L, -3) == LUA_TNIL) {
      lua_pop(L, 1);
      push_text(L, pair.value);
    } else {
      lua_pushliteral(L, ",");
      push_text(L, pair.value);
      lua_concat(L, 3);
    }
    lua_rawset(L, -3);
  }
  return 1;
}

// -- line and headers ----------------------------------------------------------------

template <std::string relay::http_request::*Field>
int push_field(lua_State* L, const char* method) {
  const relay::http_request* request = request_of(L, method);
  if (request == nullptr)
    return 2;
  push_text(L, request->*Field);
  return 1;
}

int request_method(lua_State* L) {
  return push_field<&relay::http_request::method>(L, "method");
}
int request_path(lua_State* L) {
  return push_field<&relay::http_request::path>(L, "path");
}
int request_host(lua_State* L) {
  return push_field<&relay::http_request::host>(L, "host");
}
int request_remote_addr(lua_State* L) {
  return push_field<&relay::http_request::remote_addr>(L, "remote_addr");
}

// Pushes the values of a header, joined by ", "; nil if it is absent.
void push_header(lua_State* L, const relay::http_request& request, std::string_view name) {
  luaL_checkstack(L, 4, "no room for a header");
  lua_pushnil(L);
  for (const auto& [key, value] : request.headers) {
    if (!hub::same_text(key, name))
      continue;
    if (lua_isnil(L, -1)) {
      lua_pop(L, 1);
      push_text(L, value);
    } else {
      lua_pushliteral(L, ", ");
      push_text(L, value);
      lua_concat(L, 3);
    }
  }
}

int request_header(lua_State* L) {
  const relay::http_request* request = request_of(L, "header");
  if (request == nullptr)
    return 2;
  push_header(L, *request, check_key(L, "header"));
  return 1;
}

int request_content_type(lua_State* L) {
  const relay::http_request* request = request_of(L, "content_type");
  if (request == nullptr)
    return 2;
  push_header(L, *request, "Content-Type");
  return 1;
}

int request_content_length(lua_State* L) {
  const relay::http_request* request = request_of(L, "content_length");
  if (request == nullptr)
    return 2;
  auto length = static_cast<lua_Integer>(request->body.size());
  if (request->incoming) {
    const auto said = request->header("Content-Length");
    const auto [end, ec] = std::from_chars(said.data(), said.data() + said.size(), length);
    if (said.empty() || ec != std::errc{})
      length = -1; // it comes in chunks
  }
  lua_pushinteger(L, length);
  return 1;
}

int request_is_content_type(lua_State* L) {
  const relay::http_request* request = request_of(L, "is_content_type");
  if (request == nullptr)
    return 2;
  const std::string_view wanted = media_type(check_key(L, "is_content_type"));
  lua_pushboolean(L, hub::same_text(media_type(request->header("Content-Type")), wanted));
  return 1;
}

int request_accepts(lua_State* L) {
  const relay::http_request* request = request_of(L, "accepts");
  if (request == nullptr)
    return 2;
  const std::string_view wanted = media_type(check_key(L, "accepts"));
  push_header(L, *request, "Accept");
  size_t length = 0;
  const char* accept = lua_tolstring(L, -1, &length);
  // Nobody who sends no Accept header is particular.
  lua_pushboolean(L, accept == nullptr || accepts_type({accept, length}, wanted));
  return 1;
}

int request_param(lua_State* L) {
  const relay::http_request* request = request_of(L, "param");
  if (request == nullptr)
    return 2;
  const std::string_view key = check_key(L, "param");
  for (const auto& [name, value] : request->params) {
    if (name == key) {
      push_text(L, value);
      return 1;
    }
  }
  lua_pushnil(L);
  return 1;
}

int request_params(lua_State* L) {
  const relay::http_request* request = request_of(L, "params");
  if (request == nullptr)
    return 2;
  lua_createtable(L, 0, static_cast<int>(request->params.size()));
  for (const auto& [name, value] : request->params) {
    push_text(L, name);
    push_text(L, value);
    lua_rawset(L, -3);
  }
  return 1;
}

// -- body -----------------------------------------------------------------------------

http_handle& handle_at_1(lua_State* L) { return *static_cast<http_handle*>(lua_touserdata(L, 1)); }

// A body that was broken off.
int push_body_failure(lua_State* L, const request_body& body) {
  switch (body.failure()) {
    case 413:
      return fail(L, error_kind::invalid, "the body is larger than the server takes");
    case 408:
      return fail(L, error_kind::internal, "the body did not arrive in time");
    default:
      return fail(L, error_kind::internal, "the body is not complete: the client broke it off");
  }
}

int push_late(lua_State* L) {
  return fail(L, error_kind::internal, "the body did not arrive within the request's timeout");
}

using body_use = int (*)(lua_State*, const relay::http_request&, std::string_view body);

template <body_use Use>
int use_body_k(lua_State* L, int, lua_KContext context);

// Calls `Use` with the whole body, once it is there.
template <body_use Use>
int use_body(lua_State* L, const char* method) {
  const relay::http_request* request = request_of(L, method);
  if (request == nullptr)
    return 2;
  const size_t allowed = handle_at_1(L).body_max;
  http_exchange& exchange = *context_of(L).exchange();
  const bool comes = request->incoming != nullptr;
  if (comes)
    collect_body(exchange);
  if (comes && exchange.body.is_consumed())
    return fail(L, error_kind::invalid, "the body is being read as a stream");
  const std::string_view body = comes ? exchange.body.here() : std::string_view(request->body);
  if (body.size() > allowed)
    return fail_with(L, error_kind::invalid, "the body has %s%zu bytes, max_body is %zu",
                     comes && !exchange.body.has_ended() ? "more than " : "", body.size(), allowed);
  if (comes && exchange.body.has_failed())
    return push_body_failure(L, exchange.body);
  if (!comes || exchange.body.has_ended())
    return Use(L, *request, body);
  const auto due_ns = handle_at_1(L).due_ns;
  if (steady_ns() >= due_ns)
    return push_late(L);
  return await_body(L, exchange, due_ns, guarded_k<use_body_k<Use>>);
}

template <body_use Use>
int use_body_k(lua_State* L, int, lua_KContext context) {
  end_await(L, context);
  return use_body<Use>(L, "body");
}

int request_has_body(lua_State* L) {
  const relay::http_request* request = request_of(L, "has_body");
  if (request == nullptr)
    return 2;
  lua_pushboolean(L, !request->body.empty() || request->incoming != nullptr);
  return 1;
}

int push_body(lua_State* L, const relay::http_request&, std::string_view body) {
  push_text(L, body);
  return 1;
}

int push_body_json(lua_State* L, const relay::http_request&, std::string_view body) {
  if (body.empty())
    return fail(L, error_kind::invalid, "the request has no body");
  decode_error error;
  if (!decode_value(L, body, error))
    return fail_with(L, error_kind::invalid, "the body is not JSON: %s", error.text);
  return 1;
}

int request_body_text(lua_State* L) { return use_body<push_body>(L, "body"); }

int request_body_json(lua_State* L) { return use_body<push_body_json>(L, "body_json"); }

int request_stream(lua_State* L) {
  const relay::http_request* request = request_of(L, "stream");
  if (request == nullptr)
    return 2;
  const auto due_ns = handle_at_1(L).due_ns;
  push_http_handle(L, *context_of(L).exchange(), &stream_key).due_ns = due_ns;
  return 1;
}

int request_parse_multipart(lua_State* L) {
  return use_body<push_multipart>(L, "parse_multipart");
}

int stream_read_k(lua_State* L, int, lua_KContext context);

// Of a body that still comes: what there is, at least one byte.
int read_incoming(lua_State* L, http_handle& stream, http_exchange& exchange, size_t wanted) {
  collect_body(exchange);
  const std::string_view here = exchange.body.here();
  if (!here.empty()) {
    const auto part = here.substr(0, wanted == 0 ? here.size() : wanted);
    push_text(L, part);
    exchange.body.consume(part.size());
    return 1;
  }
  if (exchange.body.has_failed())
    return push_body_failure(L, exchange.body);
  if (exchange.body.has_ended()) {
    lua_pushnil(L);
    return 1;
  }
  if (steady_ns() >= stream.due_ns)
    return push_late(L);
  return await_body(L, exchange, stream.due_ns, guarded_k<stream_read_k>);
}

// Gives up to n bytes, all there is without n or with 0; nil at the end.
int stream_read(lua_State* L) {
  http_handle& stream = check_http_handle(L, &stream_key, "stream", "read");
  const lua_Integer wanted = luaL_optinteger(L, 2, 0);
  http_exchange* exchange = exchange_of(L, stream);
  if (exchange == nullptr)
    return push_over(L);
  if (wanted < 0)
    return fail_with(L, error_kind::invalid, "stream:read takes a number of bytes, got %lld",
                     static_cast<long long>(wanted));
  if (exchange->request->incoming && stream.offset == 0)
    return read_incoming(L, stream, *exchange, static_cast<size_t>(wanted));
  const std::string_view body = exchange->request->body;
  if (stream.offset >= body.size()) {
    lua_pushnil(L);
    return 1;
  }
  const std::string_view part = body.substr(
      stream.offset, wanted == 0 ? std::string_view::npos : static_cast<size_t>(wanted));
  push_text(L, part);
  stream.offset += part.size();
  return 1;
}

int stream_read_k(lua_State* L, int, lua_KContext context) {
  end_await(L, context);
  return stream_read(L);
}

int stream_close(lua_State* L) {
  http_handle& stream = check_http_handle(L, &stream_key, "stream", "close");
  stream.offset = static_cast<size_t>(-1);
  if (http_exchange* exchange = exchange_of(L, stream))
    close_body(*exchange);
  return 0;
}

// Reads a positive whole number of http.request{…}, or leaves the default.
size_t check_option(lua_State* L, const char* name, size_t otherwise) {
  const int type = lua_getfield(L, 1, name);
  const lua_Integer value = lua_tointeger(L, -1);
  if (type != LUA_TNIL && value <= 0)
    luaL_error(L, "http.request: %s must be a positive number, got %s", name,
               luaL_tolstring(L, -1, nullptr));
  lua_pop(L, 1);
  return type == LUA_TNIL ? otherwise : static_cast<size_t>(value);
}

} // namespace

int http_request_function(lua_State* L) {
  lua_settop(L, 1);
  size_t body_max = body_max_default;
  size_t timeout_ms = timeout_default_ms;
  if (!lua_isnil(L, 1)) {
    if (!lua_istable(L, 1))
      return luaL_error(L, "http.request takes a table of options, got %s", luaL_typename(L, 1));
    timeout_ms = check_option(L, "timeout", timeout_ms);
    body_max = check_option(L, "max_body", body_max);
  }
  const http_exchange* exchange = context_of(L).exchange();
  if (exchange == nullptr)
    return fail(L, error_kind::internal,
                "no HTTP request is answered here: http.request works in endpoint functions");
  http_handle& made = push_http_handle(L, *exchange, &request_key);
  made.body_max = body_max;
  made.due_ns = steady_ns() + static_cast<int64_t>(std::min<size_t>(timeout_ms, INT32_MAX)) * 1'000'000;
  return 1;
}

void prepare_http_requests(lua_State* L) {
  constexpr luaL_Reg methods[] = {{"method", guarded<request_method>},
                                  {"path", guarded<request_path>},
                                  {"host", guarded<request_host>},
                                  {"remote_addr", guarded<request_remote_addr>},
                                  {"query", guarded<request_query>},
                                  {"query_params", guarded<request_query_params>},
                                  {"header", guarded<request_header>},
                                  {"content_type", guarded<request_content_type>},
                                  {"content_length", guarded<request_content_length>},
                                  {"is_content_type", guarded<request_is_content_type>},
                                  {"accepts", guarded<request_accepts>},
                                  {"has_body", guarded<request_has_body>},
                                  {"param", guarded<request_param>},
                                  {"params", guarded<request_params>},
                                  {"body", guarded<request_body_text>},
                                  {"body_json", guarded<request_body_json>},
                                  {"stream", guarded<request_stream>},
                                  {"parse_multipart", guarded<request_parse_multipart>},
                                  {nullptr, nullptr}};
  make_http_metatable(L, &request_key, "http.Request", methods);
  constexpr luaL_Reg stream_methods[] = {
      {"read", guarded<stream_read>}, {"close", guarded<stream_close>}, {nullptr, nullptr}};
  make_http_metatable(L, &stream_key, "http.Stream", stream_methods);
}

} // namespace natterjack::runtime::lua
