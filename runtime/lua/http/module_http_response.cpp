#include "runtime/lua/http/http_text.hpp"
#include "runtime/lua/http/module_http.hpp"

#include "relay/http/media_sniff.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/http/http_streaming.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <strings.h>

namespace natterjack::runtime::lua {

namespace {

char response_key; // its address names the metatable in the registry

std::string_view text_at(lua_State* L, int index) {
  size_t length = 0;
  const char* text = lua_tolstring(L, index, &length);
  return {text, length};
}

// The exchange of the handle at index 1, or null with an error pushed.
http_exchange* answer_of(lua_State* L, const char* method) {
  http_exchange* exchange = exchange_of(L, check_http_handle(L, &response_key, "res", method));
  if (exchange == nullptr)
    push_error(L, error_kind::invalid, "this request has been answered already");
  return exchange;
}

// The same, for what belongs into the head.
http_exchange* head_of(lua_State* L, const char* method) {
  http_exchange* exchange = answer_of(L, method);
  if (exchange == nullptr || !exchange->stream)
    return exchange;
  push_error_with(L, error_kind::invalid, "%s: status and headers have been sent already", method);
  return nullptr;
}

// Headers that belong to the connection: a wrong one would break the framing.
bool is_servers_own(std::string_view name) {
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Connection", "Upgrade"})
    if (name.size() == std::strlen(own) && ::strncasecmp(name.data(), own, name.size()) == 0)
      return true;
  return false;
}

void put_header(http_exchange& exchange, std::string_view name, std::string_view value) {
  exchange.response.set(name, std::string(value));
  exchange.touched = true;
}

// Hardly a script looks at what set_status returns, and the client would get 200 or 500: so it is logged as well.
int refuse_status(lua_State* L) {
  char text[100];
  std::snprintf(text, sizeof(text), "set_status takes a number from 200 to 599, got %.40s",
                luaL_tolstring(L, 2, nullptr));
  log(L, log_level::error, text);
  push_error(L, error_kind::invalid, text);
  return 1;
}

int response_set_status(lua_State* L) {
  http_exchange* exchange = head_of(L, "set_status");
  if (exchange == nullptr)
    return 1;
  int whole = 0;
  const lua_Integer status = lua_tointegerx(L, 2, &whole);
  if (whole == 0 || status < 200 || status > 599)
    return refuse_status(L);
  exchange->response.status = static_cast<unsigned>(status);
  exchange->touched = true;
  return 0;
}

int response_set_header(lua_State* L) {
  http_exchange* exchange = head_of(L, "set_header");
  if (exchange == nullptr)
    return 1;
  if (lua_type(L, 2) != LUA_TSTRING || lua_isstring(L, 3) == 0)
    return push_error_with(L, error_kind::invalid,
                           "set_header takes a name and a value, both texts; got %s and %s",
                           luaL_typename(L, 2), luaL_typename(L, 3));
  const std::string_view name = text_at(L, 2);
  const std::string_view value = text_at(L, 3);
  if (!is_token(name))
    return push_error_with(L, error_kind::invalid, "'%.60s' is no header name", name.data());
  if (!is_header_value(value))
    return push_error_with(L, error_kind::invalid,
                           "the value of header %.60s has a line break or another control byte",
                           name.data());
  if (is_servers_own(name))
    return push_error_with(L, error_kind::invalid, "header %.60s is set by the server alone",
                           name.data());
  put_header(*exchange, name, value);
  return 0;
}

int response_set_content_type(lua_State* L) {
  http_exchange* exchange = head_of(L, "set_content_type");
  if (exchange == nullptr)
    return 1;
  if (lua_type(L, 2) != LUA_TSTRING || !is_header_value(text_at(L, 2)))
    return push_error_with(L, error_kind::invalid, "set_content_type takes a media type, got %.60s",
                           luaL_tolstring(L, 2, nullptr));
  put_header(*exchange, "Content-Type", text_at(L, 2));
  return 0;
}

// An answer to HEAD has no body to send piece by piece.
bool can_stream(const http_exchange& exchange) noexcept {
  return exchange.reply && exchange.request->method != "HEAD";
}

// Appends to the body, or sends what has been begun; may wait then. @returns 0, or 1 with an error pushed
int append_body(lua_State* L, http_exchange& exchange, std::string_view bytes) {
  if (exchange.stream)
    return send_body(L, exchange, bytes);
  if (bytes.size() > response_bytes_max - exchange.response.body.size())
    return push_error_with(L, error_kind::invalid, "the response would exceed %zu bytes",
                           response_bytes_max);
  exchange.response.body.append(bytes);
  exchange.touched = true;
  if (exchange.unbuffered && can_stream(exchange))
    start_answer(exchange);
  return 0;
}

int response_write(lua_State* L) {
  http_exchange* exchange = answer_of(L, "write");
  if (exchange == nullptr)
    return 1;
  if (lua_isstring(L, 2) == 0)
    return push_error_with(L, error_kind::invalid,
                           "write takes a text, got %s; write_json takes any value",
                           luaL_typename(L, 2));
  const auto text = text_at(L, 2);
  if (!exchange->stream && exchange->response.body.empty() && !text.empty() &&
      exchange->response.header("Content-Type").empty())
    put_header(*exchange, "Content-Type", relay::sniff_media_type(text));
  return append_body(L, *exchange, text);
}

// Many scripts do not look at the result of write_json, and the client would get an empty answer:
// so a value that cannot be encoded is logged as well.
int push_encode_failure(lua_State* L, const char* method, const encode_error& error) {
  char text[400];
  std::snprintf(text, sizeof(text), "%s: %s", method, error.text);
  log(L, log_level::error, text);
  push_error(L, error_kind::internal, text);
  return 1;
}

int response_write_json(lua_State* L) {
  http_exchange* exchange = answer_of(L, "write_json");
  if (exchange == nullptr)
    return 1;
  lua_settop(L, 2);
  byte_buffer& buffer = encode_buffer();
  encode_error error;
  if (!encode_value(L, 2, buffer, error))
    return push_encode_failure(L, "write_json", error);
  if (!exchange->stream && exchange->response.header("Content-Type").empty())
    put_header(*exchange, "Content-Type", "application/json");
  return append_body(L, *exchange, buffer.view());
}

int response_flush(lua_State* L) {
  http_exchange* exchange = answer_of(L, "flush");
  if (exchange == nullptr)
    return 1;
  if (!exchange->stream && can_stream(*exchange))
    start_answer(*exchange);
  return 0; // what is written behind the head leaves by itself
}

void begin_events(http_exchange& exchange) {
  exchange.unbuffered = true;
  put_header(exchange, "Content-Type", "text/event-stream");
  put_header(exchange, "Cache-Control", "no-cache");
}

int response_set_transfer(lua_State* L) {
  http_exchange* exchange = head_of(L, "set_transfer");
  if (exchange == nullptr)
    return 1;
  const std::string_view mode = lua_type(L, 2) == LUA_TSTRING ? text_at(L, 2) : std::string_view{};
  if (mode == "sse")
    begin_events(*exchange);
  else if (mode != "chunked") // how the body travels is the server's matter
    return push_error_with(
        L, error_kind::invalid,
        "set_transfer takes http.TRANSFER.CHUNKED or http.TRANSFER.SSE, got %.60s",
        luaL_tolstring(L, 2, nullptr));
  exchange->unbuffered = true;
  exchange->touched = true;
  return 0;
}

int response_write_event(lua_State* L) {
  http_exchange* exchange = answer_of(L, "write_event");
  if (exchange == nullptr)
    return 1;
  lua_settop(L, 2);
  if (!lua_istable(L, 2) || lua_getfield(L, 2, "name") != LUA_TSTRING ||
      lua_getfield(L, 2, "data") == LUA_TNIL)
    return raise(L, "write_event takes a table with the fields name (a text) and data");
  const std::string_view name = text_at(L, 3);
  if (!is_header_value(name))
    return push_error_with(L, error_kind::invalid, "the name of an event is one line of text");
  byte_buffer& buffer = encode_buffer();
  encode_error error;
  if (!encode_value(L, 4, buffer, error))
    return push_encode_failure(L, "write_event", error);
  if (!exchange->stream && exchange->response.header("Content-Type") != "text/event-stream")
    begin_events(*exchange);
  std::string& event = context_of(L).scratch; // whole, so that a client never sees half of one
  event.assign("event: ").append(name).append("\ndata: ").append(buffer.view()).append("\n\n");
  return append_body(L, *exchange, event);
}

} // namespace

int http_response_function(lua_State* L) {
  const http_exchange* exchange = context_of(L).exchange();
  if (exchange == nullptr)
    return fail(L, error_kind::internal,
                "no HTTP request is answered here: http.response works in endpoint functions");
  push_http_handle(L, *exchange, &response_key);
  return 1;
}

void prepare_http_responses(lua_State* L) {
  constexpr luaL_Reg methods[] = {{"set_status", guarded<response_set_status>},
                                  {"set_header", guarded<response_set_header>},
                                  {"set_content_type", guarded<response_set_content_type>},
                                  {"write", guarded<response_write>},
                                  {"write_json", guarded<response_write_json>},
                                  {"flush", guarded<response_flush>},
                                  {"set_transfer", guarded<response_set_transfer>},
                                  {"write_event", guarded<response_write_event>},
                                  {nullptr, nullptr}};
  make_http_metatable(L, &response_key, "http.Response", methods);
}

} // namespace natterjack::runtime::lua
