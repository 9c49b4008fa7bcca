#include "runtime/lua/module_http.hpp"

#include "runtime/lua/http_text.hpp"
#include "runtime/lua/json_codec.hpp"
#include "runtime/lua/module_errors.hpp"

namespace natterjack::runtime::lua {

namespace {

char request_key; // their addresses name the metatables in the registry
char stream_key;

constexpr size_t body_max_default = 120u << 20;

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
    if (!same_text(key, name))
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
  lua_pushinteger(L, static_cast<lua_Integer>(request->body.size())); // complete, so known
  return 1;
}

int request_is_content_type(lua_State* L) {
  const relay::http_request* request = request_of(L, "is_content_type");
  if (request == nullptr)
    return 2;
  const std::string_view wanted = media_type(check_key(L, "is_content_type"));
  lua_pushboolean(L, same_text(media_type(request->header("Content-Type")), wanted));
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

// True if the body may be given out; else nil and an error are pushed.
bool check_body_size(lua_State* L, const relay::http_request& request) {
  const size_t allowed = static_cast<http_handle*>(lua_touserdata(L, 1))->body_max;
  if (request.body.size() <= allowed)
    return true;
  fail_with(L, error_kind::invalid, "the body has %zu bytes, max_body is %zu", request.body.size(),
            allowed);
  return false;
}

int request_has_body(lua_State* L) {
  const relay::http_request* request = request_of(L, "has_body");
  if (request == nullptr)
    return 2;
  lua_pushboolean(L, !request->body.empty());
  return 1;
}

int request_body(lua_State* L) {
  const relay::http_request* request = request_of(L, "body");
  if (request == nullptr || !check_body_size(L, *request))
    return 2;
  push_text(L, request->body);
  return 1;
}

int request_body_json(lua_State* L) {
  const relay::http_request* request = request_of(L, "body_json");
  if (request == nullptr || !check_body_size(L, *request))
    return 2;
  if (request->body.empty())
    return fail(L, error_kind::invalid, "the request has no body");
  decode_error error;
  if (!decode_value(L, request->body, error))
    return fail_with(L, error_kind::invalid, "the body is not JSON: %s", error.text);
  return 1;
}

int request_stream(lua_State* L) {
  const relay::http_request* request = request_of(L, "stream");
  if (request == nullptr)
    return 2;
  push_http_handle(L, *context_of(L).exchange(), &stream_key);
  return 1;
}

int request_parse_multipart(lua_State* L) {
  const relay::http_request* request = request_of(L, "parse_multipart");
  if (request == nullptr || !check_body_size(L, *request))
    return 2;
  return push_multipart(L, *request);
}

// Gives up to n bytes, the rest without n or with 0; nil at the end.
int stream_read(lua_State* L) {
  http_handle& stream = check_http_handle(L, &stream_key, "stream", "read");
  const lua_Integer wanted = luaL_optinteger(L, 2, 0);
  const http_exchange* exchange = exchange_of(L, stream);
  if (exchange == nullptr)
    return push_over(L);
  if (wanted < 0)
    return fail_with(L, error_kind::invalid, "stream:read takes a number of bytes, got %lld",
                     static_cast<long long>(wanted));
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

int stream_close(lua_State* L) {
  check_http_handle(L, &stream_key, "stream", "close").offset = static_cast<size_t>(-1);
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
  if (!lua_isnil(L, 1)) {
    if (!lua_istable(L, 1))
      return luaL_error(L, "http.request takes a table of options, got %s", luaL_typename(L, 1));
    check_option(L, "timeout", 0); // the body has arrived already
    body_max = check_option(L, "max_body", body_max);
  }
  const http_exchange* exchange = context_of(L).exchange();
  if (exchange == nullptr)
    return fail(L, error_kind::internal,
                "no HTTP request is answered here: http.request works in endpoint functions");
  push_http_handle(L, *exchange, &request_key).body_max = body_max;
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
                                  {"body", guarded<request_body>},
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
