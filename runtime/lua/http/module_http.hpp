// The Lua module `http`: the request a function answers, and its answer.
//
//   Lua                               result
//   http.request{timeout, max_body}   request            nil, err (INTERNAL): outside a request
//   http.response()                   response           as above
//   req:method() path() host() remote_addr() content_type() header(name)       texts, or nil
//   req:query(name) query_params() param(name) params()                        texts, tables
//   req:content_length() has_body() is_content_type(type) accepts(type)        number, booleans
//   req:body()                        text               nil, err (INVALID): over max_body
//   req:body_json()                   value              nil, err (INVALID): no JSON
//   req:stream()                      object: read(n), close(); a large body is read while it comes
//   req:parse_multipart()             {values, files}    nil, err (INVALID): module_http_multipart.cpp
//   res:set_status(n) set_header(name, value) set_content_type(type) set_transfer(mode)
//   res:write(text) write_json(value) write_event{name, data} flush()
//                                     nothing            one error (INVALID, INTERNAL)
//   http.METHOD STATUS CONTENT TRANSFER ERROR            constants
//
//   bounds  64 MiB of response body that is not streamed
//   sends   when the function has returned, so a status may follow a header, and a header the body; or
//           with the first flush, set_transfer or write_event. From then on what is written goes out at
//           once, status and headers are refused, and write waits while the client does not read
//   waits   body, body_json, parse_multipart and read, for a body above 256 KiB that still comes
//
// Handles outlive their request only as names: afterwards every call on them fails.
#pragma once

#include "runtime/lua/host_api.hpp"

#include <cstddef>
#include <string_view>

namespace natterjack::runtime::lua {

constexpr size_t response_bytes_max = 64u << 20;

/// The userdata behind `req`, `res` and `stream`: which request it belongs to.
struct http_handle {
  std::weak_ptr<const relay::http_request> request;
  size_t body_max = 0; ///< of a request: what body() gives at most
  int64_t due_ns = 0;  ///< of a request, on the steady clock: when its body must be there
  size_t offset = 0;   ///< of a stream: what read() has given already
};

/// Pushes a handle of the present request with the metatable that `metatable_key` names.
http_handle& push_http_handle(lua_State* L, const http_exchange& of, const void* metatable_key);

/// The handle at index 1; raises with advice if a method was called without its colon.
http_handle& check_http_handle(lua_State* L, const void* metatable_key, const char* object,
                               const char* method);

/// The exchange a handle belongs to, or null if that one is over.
http_exchange* exchange_of(lua_State* L, const http_handle& handle) noexcept;

/// Makes the metatable of a kind of handle and keeps it in the registry.
void make_http_metatable(lua_State* L, const void* key, const char* name, const luaL_Reg* methods);

/// `http.request` and `http.response`.
int http_request_function(lua_State* L);
int http_response_function(lua_State* L);
/// Prepare the metatables; push nothing.
void prepare_http_requests(lua_State* L);
void prepare_http_responses(lua_State* L);
void prepare_http_multipart(lua_State* L);
/// Pushes the form of this request's body, or nil and an error. @returns how many values
int push_multipart(lua_State* L, const relay::http_request& request, std::string_view body);


} // namespace natterjack::runtime::lua
