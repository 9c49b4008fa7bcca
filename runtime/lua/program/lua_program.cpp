#include "runtime/lua/program/lua_program.hpp"

#include "runtime/lua/program/shebang.hpp"
#include "runtime/lua/program/type_annotations.hpp"

#include <lua.hpp>

#include <charconv>

namespace natterjack::runtime::lua {

namespace {

// LUA_IDSIZE less its end mark: longer names would be cut by Lua itself, at the end.
constexpr size_t chunk_name_max = LUA_IDSIZE - 1;

std::string make_chunk_name(const std::string& id, const std::string& file) {
  auto name = file.empty() ? id : id + " (" + file + ")";
  if (name.size() > chunk_name_max)
    name = id;
  if (name.size() > chunk_name_max)
    name = "..." + id.substr(id.size() - (chunk_name_max - 3));
  return name;
}

int append_bytes(lua_State*, const void* bytes, size_t size, void* out) {
  try {
    static_cast<std::string*>(out)->append(static_cast<const char*>(bytes), size);
    return 0;
  } catch (...) {
    return 1;
  }
}

// "name:17: unexpected symbol near 'x'" -> line 17, text
syntax_error read_error(std::string_view text, const std::string& chunk) {
  syntax_error result;
  if (text.starts_with(chunk)) {
    text.remove_prefix(chunk.size());
    if (text.starts_with(':'))
      text.remove_prefix(1);
    auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), result.line);
    if (ec == std::errc{}) {
      text.remove_prefix(static_cast<size_t>(end - text.data()));
      if (text.starts_with(": "))
        text.remove_prefix(2);
    }
  }
  result.message = text;
  return result;
}

std::optional<syntax_error> compile_plain(std::string_view source, const std::string& chunk,
                                          std::string* bytecode) {
  std::unique_ptr<lua_State, decltype(&lua_close)> state(luaL_newstate(), &lua_close);
  if (!state)
    return syntax_error{0, "not enough memory"};
  auto* L = state.get();
  if (luaL_loadbufferx(L, source.data(), source.size(), ("=" + chunk).c_str(), "t") != LUA_OK) {
    const char* text = lua_tostring(L, -1);
    return read_error(text != nullptr ? text : "unknown error", chunk);
  }
  // Line numbers stay in: a traceback without them helps nobody.
  if (bytecode != nullptr && lua_dump(L, append_bytes, bytecode, 0) != 0)
    return syntax_error{0, "not enough memory"};
  return std::nullopt;
}

// Text that is no plain Lua may be Lua with types: it is tried once more without them.
std::optional<syntax_error> compile(std::string_view text, const std::string& chunk,
                                    std::string* bytecode) {
  const auto source = without_shebang(text);
  auto wrong = compile_plain(source, chunk, bytecode);
  if (!wrong)
    return std::nullopt;
  const auto stripped = strip_types(source);
  return stripped == source ? wrong : compile_plain(stripped, chunk, bytecode);
}

} // namespace

program_ptr lua_program::make(program_source source, syntax_error* error) {
  std::shared_ptr<lua_program> made(new lua_program(std::move(source)));
  made->chunk_name_ = make_chunk_name(made->source_.id, made->source_.file);
  if (auto wrong = compile(made->source_.text, made->chunk_name_, &made->bytecode_)) {
    if (error != nullptr)
      *error = std::move(*wrong);
    return nullptr;
  }
  return made;
}

program_ptr lua_program::import(const std::string& alias) const {
  auto i = source_.imports.find(alias);
  return i == source_.imports.end() ? nullptr : i->second;
}

std::optional<syntax_error> check_syntax(std::string_view source, const std::string& chunk) {
  return compile(source, chunk.substr(0, chunk_name_max), nullptr);
}

} // namespace natterjack::runtime::lua
