// `req:parse_multipart()`: the parts of a form (RFC 7578) as values and files.
//
//   {values = {name = text}, files = {name = {file, …}}}      several values of a name: joined by ","
//   file:name() size() header(name) stream()                  stream: read(n) (0: all), close()
//
//   nil, err (INVALID)    no multipart/form-data, no boundary, a part without an end or a name
#include "hub/text.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/http/http_text.hpp"
#include "runtime/lua/http/module_http.hpp"

namespace natterjack::runtime::lua {

namespace {

char file_key; // their addresses name the metatables in the registry
char part_stream_key;

enum file_value { name_value = 1, body_value, headers_value, file_values = headers_value };

constexpr size_t parts_max = 10'000;
constexpr std::string_view spaces = " \t\r"; // of a line that ends with CR LF

struct part_stream {
  size_t offset = 0;
};

void push_text(lua_State* L, std::string_view text) {
  lua_pushlstring(L, text.data(), text.size());
}

// `name="x"` of a header such as `form-data; name="x"; filename="y"`; null data if it is absent.
std::string_view parameter(std::string_view value, std::string_view wanted) noexcept {
  size_t at = value.find(';');
  while (at != value.npos) {
    auto rest = hub::trimmed(value.substr(at + 1), spaces);
    const size_t equals = rest.find('=');
    if (equals == rest.npos)
      return {};
    const auto key = hub::trimmed(rest.substr(0, equals), spaces);
    rest = hub::trimmed(rest.substr(equals + 1), spaces);
    std::string_view found;
    if (rest.starts_with('"')) {
      size_t end = 1;
      while (end < rest.size() && rest[end] != '"')
        end += rest[end] == '\\' ? 2 : 1;
      found = rest.substr(1, std::min(end, rest.size()) - 1);
      rest = rest.substr(std::min(end + 1, rest.size()));
    } else {
      found = hub::trimmed(rest.substr(0, rest.find(';')), spaces);
    }
    if (hub::same_text(key, wanted))
      return found.data() == nullptr ? std::string_view("") : found;
    const size_t next = rest.find(';');
    at = next == rest.npos ? next : static_cast<size_t>(rest.data() - value.data()) + next;
  }
  return {};
}

// Name and value of the next line of a part's head.
bool next_header(std::string_view& head, std::string_view& name, std::string_view& value) noexcept {
  while (!head.empty()) {
    const size_t end = head.find('\n');
    const auto line = head.substr(0, end);
    head.remove_prefix(end == head.npos ? head.size() : end + 1);
    const size_t colon = line.find(':');
    if (colon == line.npos)
      continue;
    name = hub::trimmed(line.substr(0, colon), spaces);
    value = hub::trimmed(line.substr(colon + 1), spaces);
    return true;
  }
  return false;
}

std::string_view header_of(std::string_view head, std::string_view wanted) noexcept {
  std::string_view name, value;
  while (next_header(head, name, value))
    if (hub::same_text(name, wanted))
      return value;
  return {};
}

// Pushes a file object.
void push_file(lua_State* L, std::string_view name, std::string_view head, std::string_view body) {
  lua_newuserdatauv(L, 1, file_values);
  push_text(L, name);
  lua_setiuservalue(L, -2, name_value);
  push_text(L, body);
  lua_setiuservalue(L, -2, body_value);
  push_text(L, head);
  lua_setiuservalue(L, -2, headers_value);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &file_key);
  lua_setmetatable(L, -2);
}

// Adds a text to the one on top of the stack, or to the list of them there. Joined at the end alone: ten
// thousand values of one name would be copied ten thousand times.
void add_to_list(lua_State* L, std::string_view text) {
  if (!lua_istable(L, -1)) {
    lua_createtable(L, 2, 0);
    lua_insert(L, -2);
    lua_rawseti(L, -2, 1);
  }
  push_text(L, text);
  lua_rawseti(L, -2, static_cast<lua_Integer>(lua_rawlen(L, -2)) + 1);
}

// Makes a text of each list in the table at `values`.
void join_lists(lua_State* L, int values) {
  for (lua_pushnil(L); lua_next(L, values) != 0; lua_pop(L, 1)) {
    if (!lua_istable(L, -1))
      continue;
    const int list = lua_gettop(L);
    lua_pushvalue(L, list - 1); // the name
    luaL_Buffer joined;
    luaL_buffinit(L, &joined);
    const auto count = static_cast<lua_Integer>(lua_rawlen(L, list));
    for (lua_Integer i = 1; i <= count; ++i) {
      if (i > 1)
        luaL_addchar(&joined, ',');
      lua_rawgeti(L, list, i);
      luaL_addvalue(&joined);
    }
    luaL_pushresult(&joined);
    lua_rawset(L, values);
  }
}

// Adds one part to the tables at `values` and `files`.
void add_part(lua_State* L, int values, int files, std::string_view head, std::string_view body,
              std::string_view name) {
  const auto disposition = header_of(head, "Content-Disposition");
  const auto filename = parameter(disposition, "filename");
  push_text(L, name);
  if (filename.data() == nullptr) {
    lua_pushvalue(L, -1);
    if (lua_rawget(L, values) == LUA_TNIL) {
      lua_pop(L, 1);
      push_text(L, body);
    } else {
      add_to_list(L, body);
    }
    lua_rawset(L, values);
    return;
  }
  lua_pushvalue(L, -1);
  if (lua_rawget(L, files) == LUA_TNIL) {
    lua_pop(L, 1);
    lua_newtable(L);
    lua_pushvalue(L, -2);
    lua_pushvalue(L, -2);
    lua_rawset(L, files);
  }
  // Only its last part: a path of the client's machine is no name.
  const size_t slash = filename.find_last_of("/\\");
  push_file(L, slash == filename.npos ? filename : filename.substr(slash + 1), head, body);
  lua_rawseti(L, -2, static_cast<lua_Integer>(lua_rawlen(L, -2)) + 1);
  lua_pop(L, 2);
}

// Where the next boundary begins and what stands behind it.
size_t find_boundary(std::string_view body, size_t from, std::string_view boundary) noexcept {
  for (size_t at = body.find("--", from); at != body.npos; at = body.find("--", at + 1))
    if (body.substr(at + 2).starts_with(boundary) && (at == 0 || body[at - 1] == '\n'))
      return at;
  return body.npos;
}

// -- file and stream ---------------------------------------------------------------

void check_object(lua_State* L, const void* key, const char* object, const char* method) {
  if (lua_type(L, 1) == LUA_TUSERDATA && lua_getmetatable(L, 1) != 0) {
    lua_rawgetp(L, LUA_REGISTRYINDEX, key);
    const bool same = lua_rawequal(L, -1, -2) != 0;
    lua_pop(L, 2);
    if (same)
      return;
  }
  luaL_error(L, "%s is a method: write %s:%s(...) with a colon", method, object, method);
}

int file_name(lua_State* L) {
  check_object(L, &file_key, "file", "name");
  lua_getiuservalue(L, 1, name_value);
  return 1;
}

int file_size(lua_State* L) {
  check_object(L, &file_key, "file", "size");
  lua_getiuservalue(L, 1, body_value);
  lua_pushinteger(L, static_cast<lua_Integer>(lua_rawlen(L, -1)));
  return 1;
}

int file_header(lua_State* L) {
  check_object(L, &file_key, "file", "header");
  size_t size = 0;
  const char* wanted = luaL_checklstring(L, 2, &size);
  lua_getiuservalue(L, 1, headers_value);
  size_t head_size = 0;
  const char* head = lua_tolstring(L, -1, &head_size);
  const auto found = header_of({head, head_size}, {wanted, size});
  if (found.data() == nullptr)
    lua_pushnil(L);
  else
    push_text(L, found);
  return 1;
}

int file_stream(lua_State* L) {
  check_object(L, &file_key, "file", "stream");
  *static_cast<part_stream*>(lua_newuserdatauv(L, sizeof(part_stream), 1)) = {};
  lua_getiuservalue(L, 1, body_value);
  lua_setiuservalue(L, -2, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &part_stream_key);
  lua_setmetatable(L, -2);
  return 1;
}

int stream_read(lua_State* L) {
  check_object(L, &part_stream_key, "stream", "read");
  auto& stream = *static_cast<part_stream*>(lua_touserdata(L, 1));
  const auto wanted = luaL_optinteger(L, 2, 0);
  lua_getiuservalue(L, 1, 1);
  size_t size = 0;
  const char* bytes = lua_tolstring(L, -1, &size);
  if (stream.offset >= size) {
    lua_pushnil(L);
    return 1;
  }
  const size_t left = size - stream.offset;
  const size_t count = wanted <= 0 ? left : std::min(left, static_cast<size_t>(wanted));
  lua_pushlstring(L, bytes + stream.offset, count);
  stream.offset += count;
  return 1;
}

int stream_close(lua_State* L) {
  check_object(L, &part_stream_key, "stream", "close");
  static_cast<part_stream*>(lua_touserdata(L, 1))->offset = static_cast<size_t>(-1);
  return 0;
}

void make_class(lua_State* L, const void* key, const char* name, const luaL_Reg* functions) {
  lua_createtable(L, 0, 3);
  lua_newtable(L);
  luaL_setfuncs(L, functions, 0);
  lua_setfield(L, -2, "__index");
  lua_pushstring(L, name);
  lua_setfield(L, -2, "__name");
  lua_pushboolean(L, 0);
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, key);
}

} // namespace

int push_multipart(lua_State* L, const relay::http_request& request, std::string_view body) {
  const auto type = request.header("Content-Type");
  if (!hub::same_text(media_type(type), "multipart/form-data"))
    return fail(L, error_kind::invalid, "the request is not multipart/form-data");
  const auto boundary = parameter(type, "boundary");
  if (boundary.empty() || boundary.size() > 200)
    return fail(L, error_kind::invalid, "the content type names no boundary");
  luaL_checkstack(L, 16, "no room for a form");
  lua_createtable(L, 0, 2);
  lua_newtable(L);
  lua_newtable(L);
  const int values = lua_gettop(L) - 1;
  const int files = values + 1;
  size_t at = find_boundary(body, 0, boundary);
  size_t count = 0;
  while (at != body.npos) {
    size_t from = at + 2 + boundary.size();
    if (body.substr(from).starts_with("--")) { // the last one
      join_lists(L, values);
      lua_setfield(L, -3, "files");
      lua_setfield(L, -2, "values");
      return 1;
    }
    from = std::min(body.find('\n', from), body.size() - 1) + 1;
    const size_t next = find_boundary(body, from, boundary);
    if (next == body.npos || ++count > parts_max)
      break;
    auto part = body.substr(from, next - from);
    // The line end in front of a boundary belongs to it.
    part.remove_suffix(part.ends_with("\r\n") ? 2 : part.ends_with('\n') ? 1 : 0);
    size_t blank = part.find("\r\n\r\n");
    size_t gap = 4;
    if (blank == part.npos) {
      blank = part.find("\n\n");
      gap = 2;
    }
    const auto head = part.substr(0, blank);
    const auto name = parameter(header_of(head, "Content-Disposition"), "name");
    if (blank == part.npos || name.data() == nullptr)
      return fail(L, error_kind::invalid, "a part of the form has no name");
    add_part(L, values, files, head, part.substr(blank + gap), name);
    at = next;
  }
  return fail(L, error_kind::invalid, "the form ends within a part");
}

void prepare_http_multipart(lua_State* L) {
  constexpr luaL_Reg file_methods[] = {{"name", guarded<file_name>},
                                       {"size", guarded<file_size>},
                                       {"header", guarded<file_header>},
                                       {"stream", guarded<file_stream>},
                                       {nullptr, nullptr}};
  make_class(L, &file_key, "http.File", file_methods);
  constexpr luaL_Reg stream_methods[] = {
      {"read", guarded<stream_read>}, {"close", guarded<stream_close>}, {nullptr, nullptr}};
  make_class(L, &part_stream_key, "http.PartStream", stream_methods);
}

} // namespace natterjack::runtime::lua
