#include "runtime/lua/process/error_argument.hpp"

#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/reply.hpp"

#include <cstdio>
#include <string>

namespace natterjack::runtime::lua {

namespace {

constexpr const char* message_member = "\1error";
constexpr std::string_view beginning = R"({"\u0001error":)";

std::string error_document(lua_State* L, int index) {
  const failure what{error_kind_of(L, index), error_message(L, index), error_more(L, index)};
  auto& buffer = encode_buffer();
  encode_text(what.text, buffer);
  std::string document(beginning);
  document += buffer.view();
  document += ',';
  document += error_facts_of(what).bytes().substr(1);
  return document;
}

} // namespace

bool read_argument(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept {
  if (!is_error(L, index))
    return read_payload(L, index, out, error);
  try {
    out = hub::payload::json(error_document(L, index));
    return true;
  } catch (const std::exception& e) {
    error.fault = encode_fault::too_large;
    std::snprintf(error.text, sizeof error.text, "%s", e.what());
    return false;
  }
}

bool push_argument(lua_State* L, const hub::payload& value, decode_error& error) {
  if (!push_payload(L, value, error))
    return false;
  if (value.kind() != hub::payload_kind::json || !value.bytes().starts_with(beginning))
    return true;
  luaL_checkstack(L, 6, "no room for an error");
  size_t kind_size = 0;
  size_t size = 0;
  lua_getfield(L, -1, "kind");
  const char* kind = lua_tolstring(L, -1, &kind_size);
  lua_getfield(L, -2, message_member);
  const char* message = lua_tolstring(L, -1, &size);
  if (kind == nullptr || message == nullptr) { // of somebody who knows how errors travel
    lua_pop(L, 2);
    return true;
  }
  push_error(L, error_kind_named({kind, kind_size}), {message, size}); // both stay on the stack
  lua_pushvalue(L, -4);
  set_error_more(L, -2);
  lua_pop(L, 1);
  lua_replace(L, -4);
  lua_pop(L, 2);
  return true;
}

} // namespace natterjack::runtime::lua
