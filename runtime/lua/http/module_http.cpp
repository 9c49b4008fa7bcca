#include "runtime/lua/http/module_http.hpp"

#include "runtime/lua/base/module_errors.hpp"

#include <new>

namespace natterjack::runtime::lua {

namespace {

struct text_constant {
  const char* name;
  const char* value;
};
struct number_constant {
  const char* name;
  int value;
};

constexpr text_constant methods[] = {{"GET", "GET"},        {"POST", "POST"},   {"PUT", "PUT"},
                                     {"DELETE", "DELETE"},  {"PATCH", "PATCH"}, {"HEAD", "HEAD"},
                                     {"OPTIONS", "OPTIONS"}};

constexpr text_constant contents[] = {{"JSON", "application/json"},
                                      {"FORM", "application/x-www-form-urlencoded"},
                                      {"MULTIPART", "multipart/form-data"},
                                      {"TEXT", "text/plain"},
                                      {"STREAM", "application/octet-stream"}};

constexpr text_constant transfers[] = {{"CHUNKED", "chunked"}, {"SSE", "sse"}};

constexpr text_constant faults[] = {{"PARSE_FAILED", "PARSE_FAILED"},
                                    {"INVALID_STATE", "INVALID_STATE"},
                                    {"WRITE_FAILED", "WRITE_FAILED"},
                                    {"STREAM_ERROR", "STREAM_ERROR"}};

constexpr number_constant statuses[] = {
    {"OK", 200},
    {"CREATED", 201},
    {"ACCEPTED", 202},
    {"NO_CONTENT", 204},
    {"PARTIAL_CONTENT", 206},
    {"MOVED_PERMANENTLY", 301},
    {"FOUND", 302},
    {"SEE_OTHER", 303},
    {"NOT_MODIFIED", 304},
    {"TEMPORARY_REDIRECT", 307},
    {"PERMANENT_REDIRECT", 308},
    {"BAD_REQUEST", 400},
    {"UNAUTHORIZED", 401},
    {"PAYMENT_REQUIRED", 402},
    {"FORBIDDEN", 403},
    {"NOT_FOUND", 404},
    {"METHOD_NOT_ALLOWED", 405},
    {"NOT_ACCEPTABLE", 406},
    {"CONFLICT", 409},
    {"GONE", 410},
    {"UNPROCESSABLE", 422},
    {"TOO_MANY_REQUESTS", 429},
    {"INTERNAL_ERROR", 500},
    {"INTERNAL_SERVER_ERROR", 500},
    {"NOT_IMPLEMENTED", 501},
    {"BAD_GATEWAY", 502},
    {"SERVICE_UNAVAILABLE", 503},
    {"GATEWAY_TIMEOUT", 504},
    {"VERSION_NOT_SUPPORTED", 505},
};

template <size_t N>
void set_constants(lua_State* L, const char* name, const text_constant (&constants)[N]) {
  lua_createtable(L, 0, N);
  for (const text_constant& constant : constants) {
    lua_pushstring(L, constant.value);
    lua_setfield(L, -2, constant.name);
  }
  lua_setfield(L, -2, name);
}

template <size_t N>
void set_constants(lua_State* L, const char* name, const number_constant (&constants)[N]) {
  lua_createtable(L, 0, N);
  for (const number_constant& constant : constants) {
    lua_pushinteger(L, constant.value);
    lua_setfield(L, -2, constant.name);
  }
  lua_setfield(L, -2, name);
}

int collect_handle(lua_State* L) {
  static_cast<http_handle*>(lua_touserdata(L, 1))->~http_handle();
  return 0;
}

} // namespace

http_handle& push_http_handle(lua_State* L, const http_exchange& of, const void* metatable_key) {
  auto* handle = new (lua_newuserdatauv(L, sizeof(http_handle), 0)) http_handle;
  lua_rawgetp(L, LUA_REGISTRYINDEX, metatable_key);
  lua_setmetatable(L, -2);
  handle->request = of.request; // behind the calls that may raise: the collector now cleans up
  return *handle;
}

http_handle& check_http_handle(lua_State* L, const void* metatable_key, const char* object,
                               const char* method) {
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1) != 0) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, metatable_key);
    const bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    if (same)
      return *static_cast<http_handle*>(lua_touserdata(L, 1));
  }
  luaL_error(L, "%s is a method: write %s:%s(...) with a colon", method, object, method);
  std::abort(); // luaL_error does not return
}

http_exchange* exchange_of(lua_State* L, const http_handle& handle) noexcept {
  http_exchange* now = context_of(L).exchange();
  const bool same = now != nullptr && !handle.request.owner_before(now->request) &&
                    !now->request.owner_before(handle.request);
  return same ? now : nullptr;
}

void make_http_metatable(lua_State* L, const void* key, const char* name,
                         const luaL_Reg* functions) {
  lua_createtable(L, 0, 4);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, "__index");
  lua_pushcfunction(L, collect_handle);
  lua_setfield(L, -2, "__gc");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

int open_http(lua_State* L) {
  luaL_checkstack(L, 8, "no room for a module");
  prepare_http_requests(L);
  prepare_http_responses(L);
  prepare_http_multipart(L);
  constexpr luaL_Reg functions[] = {{"request", guarded<http_request_function>},
                                    {"response", guarded<http_response_function>},
                                    {nullptr, nullptr}};
  luaL_newlib(L, functions);
  set_constants(L, "METHOD", methods);
  set_constants(L, "STATUS", statuses);
  set_constants(L, "CONTENT", contents);
  set_constants(L, "TRANSFER", transfers);
  set_constants(L, "ERROR", faults);
  return 1;
}

} // namespace natterjack::runtime::lua
