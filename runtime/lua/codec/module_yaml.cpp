// The Lua module `yaml`.
//
//   yaml.encode(value)   text      nil, err     what json.encode refuses, too
//   yaml.decode(text)    value     nil, err     with the line; INTERNAL if it is no YAML
#include "runtime/config/source/document.hpp"
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/codec/yaml_text.hpp"
#include "runtime/lua/engine/engine.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

namespace {

bool write_yaml(engine& self, lua_State* L) {
  encode_error error;
  auto& buffer = encode_buffer();
  if (!encode_value(L, 1, buffer, error)) {
    self.scratch = error.text;
    return false;
  }
  const auto value = nlohmann::json::parse(buffer.view(), nullptr, false);
  buffer.trim();
  self.scratch = to_yaml(value);
  return true;
}

int yaml_encode(lua_State* L) {
  luaL_checkany(L, 1);
  auto& self = engine_of(L);
  if (!write_yaml(self, L))
    return fail(L, error_kind::invalid, self.scratch);
  lua_pushlstring(L, self.scratch.data(), self.scratch.size());
  return 1;
}

// Leaves the value as JSON in `scratch`, or what is wrong.
bool read_text(engine& self, std::string_view text) {
  auto parsed = read_yaml(text);
  if (!parsed.value) {
    self.scratch = "yaml.decode: line " + std::to_string(parsed.error.line) + ": " + parsed.error.message;
    return false;
  }
  self.scratch = parsed.value->root.to_json().dump();
  return true;
}

int yaml_decode(lua_State* L) {
  if (lua_type(L, 1) != LUA_TSTRING)
    return fail(L, error_kind::invalid, "yaml.decode takes a text");
  if (text_of(L, 1).empty())
    return fail(L, error_kind::invalid, "yaml.decode: the text is empty");
  auto& self = engine_of(L);
  if (!read_text(self, text_of(L, 1)))
    return fail(L, error_kind::internal, self.scratch);
  lua_pushlstring(L, self.scratch.data(), self.scratch.size()); // `scratch` may be filled meanwhile
  decode_error error;
  if (!decode_value(L, text_of(L, -1), error))
    return fail(L, error_kind::internal, "yaml.decode: a value that cannot be kept");
  return 1;
}

} // namespace

int open_yaml(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"encode", guarded<yaml_encode>}, {"decode", guarded<yaml_decode>}, {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

} // namespace natterjack::runtime::lua
