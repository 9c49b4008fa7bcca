#include "runtime/lua/process/payload_object.hpp"

#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/traceback.hpp"
#include "runtime/lua/object_class.hpp"
#include "runtime/lua/process/error_argument.hpp"

#include <algorithm>
#include <cstdio>
#include <iterator>
#include <new>
#include <utility>

namespace natterjack::runtime::lua {

namespace {

const char payload_key = 0;
const char message_payload_key = 0;

// What the script is told a payload is; what it holds does not say where it comes from.
enum class payload_form : uint8_t {
  received, // a client's text or its bytes, else a value that somebody's script sent
  lua,
  json,
  error
};

struct payload_object {
  hub::payload held;
  payload_form form = payload_form::received;
};

constexpr const char* lua_format = "lua/any";
constexpr const char* json_format = "json/plain";
constexpr const char* text_format = "text/plain";
constexpr const char* bytes_format = "application/octet-stream";
constexpr const char* error_format = "golang/error";

const char* format_of(payload_form form, const hub::payload& held) noexcept {
  switch (form) {
  case payload_form::lua:
    return lua_format;
  case payload_form::json:
    return json_format;
  case payload_form::error:
    return error_format;
  case payload_form::received:
    break;
  }
  switch (held.kind()) {
  case hub::payload_kind::text:
    return text_format;
  case hub::payload_kind::binary:
    return bytes_format;
  case hub::payload_kind::json:
    return is_error_document(held.bytes()) ? error_format : lua_format;
  case hub::payload_kind::nil:
    break;
  }
  return lua_format;
}

// A payload of a message: no copy, and nothing to be done at its end. It keeps the object of the
// message as its user value.
struct message_payload_object {
  const hub::message_ptr* of;
  size_t place;
};

constexpr int message_slot = 1;

// Null: it is no payload, or that of a message.
const payload_object* to_payload_object(lua_State* L, int index) noexcept {
  return static_cast<const payload_object*>(to_object(L, index, engine_of(L).payload_meta));
}

payload_form form_of(lua_State* L, int index) noexcept {
  const auto* own = to_payload_object(L, index);
  return own == nullptr ? payload_form::received : own->form;
}

const hub::payload& check_payload(lua_State* L, const char* method) {
  auto* value = to_payload(L, 1);
  if (value == nullptr)
    raise_without_self(L, "payload", method);
  return *value;
}

// Pushes a Payload that holds nil yet.
payload_object& push_payload_object(lua_State* L, payload_form form);

int payload_gc(lua_State* L) {
  static_cast<payload_object*>(lua_touserdata(L, 1))->held = {};
  return 0;
}

int payload_data(lua_State* L) {
  const auto& value = check_payload(L, "data");
  decode_error error;
  if (!push_argument(L, value, error)) {
    auto& text = engine_of(L).scratch;
    text = error.text;
    return fail(L, error_kind::internal, text);
  }
  return 1;
}

int payload_get_format(lua_State* L) {
  const auto& value = check_payload(L, "get_format");
  lua_pushstring(L, format_of(form_of(L, 1), value));
  return 1;
}

bool make_json(const hub::payload& from, hub::payload& out) {
  switch (from.kind()) {
  case hub::payload_kind::json:
    out = shown_errors(from);
    return true;
  case hub::payload_kind::nil:
    out = hub::payload::json("null");
    return true;
  case hub::payload_kind::text: {
    auto& buffer = encode_buffer();
    if (!encode_text(from.bytes(), buffer))
      return false;
    out = hub::payload::json(buffer.view());
    return true;
  }
  case hub::payload_kind::binary:
    break;
  }
  return false;
}

// A Payload of the same value in another form. Formats also have names without a media type.
int payload_transcode(lua_State* L) {
  const auto& value = check_payload(L, "transcode");
  const std::string_view format = luaL_checkstring(L, 2);
  auto& made = push_payload_object(L, payload_form::received);
  if (format == lua_format || format == format_of(form_of(L, 1), value)) {
    made = {value, format == lua_format ? payload_form::lua : form_of(L, 1)};
    return 1;
  }
  if (format == json_format || format == "json") {
    made.form = payload_form::json;
    if (make_json(value, made.held))
      return 1;
  } else if ((format == text_format || format == "text") && hub::is_utf8(value.bytes())) {
    made.held = shown_errors(value);
    made.held = hub::payload::text(made.held.bytes());
    return 1;
  } else if (format == bytes_format || format == "binary") {
    made.held = shown_errors(value);
    made.held = hub::payload::binary(made.held.bytes());
    return 1;
  }
  return fail(L, error_kind::invalid, "no way to transcode this payload to that format");
}

int payload_tostring(lua_State* L) {
  const auto& value = check_payload(L, "data");
  lua_pushfstring(L, "payload{format=%s}", format_of(form_of(L, 1), value));
  return 1;
}

// Raises with the line of the script, also where `ipairs` or another C function stands in between.
int wrong_use(lua_State* L, const char* text) {
  char where[200];
  std::snprintf(where, sizeof where, "%s", script_line(L).c_str());
  lua_pushfstring(L, *where == '\0' ? "%s%s" : "%s: %s", where, text);
  return lua_error(L);
}

int payload_missing(lua_State* L) {
  return wrong_use(L, lua_pushfstring(L,
                    "a payload has no field '%s': read its value first with msg:payload():data()",
                    lua_isinteger(L, 2) || lua_type(L, 2) == LUA_TSTRING ? luaL_tolstring(L, 2, nullptr)
                                                                         : luaL_typename(L, 2)));
}

int payload_listed(lua_State* L) {
  return wrong_use(L, "a payload is not a table: read its value first with msg:payload():data()");
}

int payload_called(lua_State* L) {
  return luaL_error(L, "a payload cannot be called: read its value with msg:payload():data()");
}

int payload_operated(lua_State* L) {
  return luaL_error(L, "a payload is not a text: read its value with msg:payload():data()");
}

int payload_new(lua_State* L) {
  lua_settop(L, 1);
  const auto form = to_payload(L, 1) != nullptr ? form_of(L, 1)
                    : is_error(L, 1)            ? payload_form::error
                                                : payload_form::lua;
  auto& made = push_payload_object(L, form).held;
  encode_error error;
  if (!read_argument(L, 1, made, error)) {
    auto& text = engine_of(L).scratch;
    text = error.text;
    return fail(L, error_kind::invalid, text);
  }
  return 1;
}

bool is_json(lua_State* L, std::string_view text, decode_error& error) {
  if (!hub::is_utf8(text)) {
    std::snprintf(error.text, sizeof error.text, "the text is not UTF-8");
    return false;
  }
  const int top = lua_gettop(L);
  const bool good = decode_value(L, text, error);
  lua_settop(L, top);
  return good;
}

// A Payload of a JSON text as it stands: it is not encoded again.
int payload_json(lua_State* L) {
  size_t size = 0;
  const char* bytes = luaL_checklstring(L, 1, &size);
  decode_error error;
  if (is_json(L, {bytes, size}, error)) {
    auto& made = push_payload_object(L, payload_form::json); // may raise: before there is a payload
    made.held = hub::payload::json({bytes, size});
    return 1;
  }
  auto& text = engine_of(L).scratch;
  text = "payload.json: ";
  text += error.text;
  return fail(L, error_kind::invalid, text);
}

bool read_embedded_payload(lua_State* L, int index, embedded_value& value) noexcept {
  const auto* held = to_payload(L, index);
  if (held == nullptr)
    return false;
  value.kind = held->kind();
  value.bytes = held->bytes();
  return true;
}

// With the first of them: not every process has any.
void make_payload_classes(lua_State* L) {
  auto& self = engine_of(L);
  set_embedded_reader(read_embedded_payload);

  constexpr luaL_Reg payload_methods[] = {{"data", guarded<payload_data>},
                                          {"unmarshal", guarded<payload_data>},
                                          {"get_format", guarded<payload_get_format>},
                                          {"transcode", guarded<payload_transcode>},
                                          {nullptr, nullptr}};
  constexpr luaL_Reg payload_hooks[] = {{"__tostring", payload_tostring},
                                        {"__call", payload_called},
                                        {"__concat", payload_operated},
                                        {"__len", payload_listed},
                                        {"__pairs", payload_listed},
                                        {"__gc", payload_gc},
                                        {nullptr, nullptr}};
  // As payloads are, less the end: Lua looks for `__gc` when a class is set.
  luaL_Reg message_payload_hooks[std::size(payload_hooks)];
  std::copy(std::begin(payload_hooks), std::end(payload_hooks), message_payload_hooks);
  message_payload_hooks[std::size(payload_hooks) - 2] = {nullptr, nullptr};
  luaL_newlib(L, payload_methods);
  lua_createtable(L, 0, 1);
  lua_pushcfunction(L, payload_missing);
  lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
  lua_pushvalue(L, -1);
  self.message_payload_meta = make_class(L, &message_payload_key, message_payload_hooks);
  self.payload_meta = make_class(L, &payload_key, payload_hooks);
}

void set_payload_class(lua_State* L) {
  if (engine_of(L).payload_meta == nullptr)
    make_payload_classes(L);
  set_class(L, &payload_key);
}

payload_object& push_payload_object(lua_State* L, payload_form form) {
  auto* made = new (lua_newuserdatauv(L, sizeof(payload_object), 0)) payload_object{{}, form};
  set_payload_class(L);
  return *made;
}

// The names of Wippy's dialect, and ours for the same values.
void push_formats(lua_State* L) {
  constexpr std::pair<const char*, const char*> names[] = {
      {"JSON", json_format},   {"YAML", "yaml/plain"},  {"STRING", text_format},
      {"TEXT", text_format},   {"BYTES", bytes_format}, {"BINARY", bytes_format},
      {"MSGPACK", "application/msgpack"},               {"LUA", lua_format},
      {"NIL", lua_format},     {"GOLANG", "golang/any"}, {"ERROR", error_format}};
  lua_createtable(L, 0, static_cast<int>(std::size(names)));
  for (const auto& [name, format] : names) {
    lua_pushstring(L, format);
    lua_setfield(L, -2, name);
  }
}

} // namespace

void push_payload_of(lua_State* L, const hub::message_ptr& message, size_t place) {
  auto* made = static_cast<message_payload_object*>(
      lua_newuserdatauv(L, sizeof(message_payload_object), 1));
  *made = {&message, place};
  lua_pushvalue(L, 1);
  lua_setiuservalue(L, -2, message_slot);
  if (engine_of(L).payload_meta == nullptr)
    make_payload_classes(L);
  set_class(L, &message_payload_key);
}

hub::payload& push_empty_payload(lua_State* L) {
  return push_payload_object(L, payload_form::received).held;
}

const hub::payload* to_payload(lua_State* L, int index) noexcept {
  const auto& self = engine_of(L);
  if (const auto* one = static_cast<message_payload_object*>(
          to_object(L, index, self.message_payload_meta))) {
    // A weak table may still show it when its message has been finalized.
    static const hub::payload none;
    const auto& message = *one->of;
    return message ? &message->payloads()[one->place] : &none;
  }
  const auto* own = to_payload_object(L, index);
  return own == nullptr ? nullptr : &own->held;
}

int open_payload(lua_State* L) {
  lua_createtable(L, 0, 3);
  lua_pushcfunction(L, guarded<payload_new>);
  lua_setfield(L, -2, "new");
  lua_pushcfunction(L, guarded<payload_json>);
  lua_setfield(L, -2, "json");
  push_formats(L);
  lua_setfield(L, -2, "format");
  return 1;
}

} // namespace natterjack::runtime::lua
