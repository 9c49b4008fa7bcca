#include "runtime/lua/program/chunk_scan.hpp"

#include "runtime/lua/program/shebang.hpp"
#include "runtime/lua/program/type_annotations.hpp"

#include <lua.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <stdexcept>

namespace natterjack::runtime::lua {

namespace {

using state_ptr = std::unique_ptr<lua_State, decltype(&lua_close)>;

// Opcodes of Lua 5.4 (lopcodes.h) that this reader knows.
constexpr uint32_t op_loadk = 3;
constexpr uint32_t op_gettabup = 11;
constexpr uint32_t op_settabup = 15;

struct function {
  int first_line = 0;
  std::vector<uint32_t> code;
  std::vector<std::string> constants; // texts; others stay empty
  std::vector<std::string> upvalues;
  std::vector<int8_t> line_steps;
  std::vector<std::pair<int, int>> lines; // (pc, line): where a step does not fit a byte

  int line_at(size_t pc) const {
    constexpr int8_t absolute = -0x80;
    int line = first_line;
    for (size_t i = 0; i <= pc && i < line_steps.size(); ++i) {
      if (line_steps[i] != absolute) {
        line += line_steps[i];
        continue;
      }
      for (const auto& [at, is] : lines)
        if (at == static_cast<int>(i))
          line = is;
    }
    return line;
  }
};

// Reads what lua_dump wrote (ldump.c of Lua 5.4). Throws when it is something else.
class reader {
 public:
  explicit reader(std::string_view bytes) : bytes_(bytes) {}

  std::vector<function> read() {
    header();
    byte(); // number of upvalues
    read_function();
    return std::move(found_);
  }

 private:
  std::string_view take(size_t count) {
    if (count > bytes_.size())
      throw std::runtime_error("cut off");
    const auto part = bytes_.substr(0, count);
    bytes_.remove_prefix(count);
    return part;
  }
  uint8_t byte() { return static_cast<uint8_t>(take(1)[0]); }

  // Seven bits a byte, the highest first; the last byte is marked.
  size_t size() {
    size_t value = 0;
    for (;;) {
      const auto b = byte();
      value = (value << 7) | (b & 0x7f);
      if ((b & 0x80) != 0)
        return value;
    }
  }
  int number() { return static_cast<int>(size()); }

  std::string text() {
    const auto length = size();
    return length == 0 ? std::string() : std::string(take(length - 1));
  }

  void header() {
    constexpr std::string_view begin("\x1bLua\x54\0\x19\x93\r\n\x1a\n", 12);
    if (take(begin.size()) != begin || byte() != sizeof(uint32_t) ||
        byte() != sizeof(lua_Integer) || byte() != sizeof(lua_Number))
      throw std::runtime_error("another version of Lua");
    take(sizeof(lua_Integer) + sizeof(lua_Number));
  }

  void read_constants(function& f) {
    constexpr uint8_t type_integer = 0x03, type_float = 0x13, type_short = 0x04, type_long = 0x14;
    for (int n = number(); n > 0; --n) {
      auto& made = f.constants.emplace_back();
      switch (byte()) {
        case type_integer:
          take(sizeof(lua_Integer));
          break;
        case type_float:
          take(sizeof(lua_Number));
          break;
        case type_short:
        case type_long:
          made = text();
          break;
        default:
          break; // nil, true, false have no bytes
      }
    }
  }

  void read_function() {
    function f;
    text(); // source
    f.first_line = number();
    number(); // last line
    take(3);  // parameters, vararg, stack size
    f.code.resize(size());
    for (auto& instruction : f.code)
      std::memcpy(&instruction, take(sizeof instruction).data(), sizeof instruction);
    read_constants(f);
    const int upvalues = number();
    take(3 * static_cast<size_t>(upvalues));
    for (int n = number(); n > 0; --n)
      read_function();
    for (auto n = size(); n > 0; --n)
      f.line_steps.push_back(static_cast<int8_t>(byte()));
    for (int n = number(); n > 0; --n) {
      const int pc = number();
      f.lines.emplace_back(pc, number());
    }
    for (int n = number(); n > 0; --n) { // locals
      text();
      number();
      number();
    }
    for (int n = number(); n > 0; --n)
      f.upvalues.push_back(text());
    found_.push_back(std::move(f));
  }

  std::string_view bytes_;
  std::vector<function> found_;
};

void add(std::vector<chunk_use>& to, const std::string& name, int line) {
  for (auto& use : to)
    if (use.name == name) {
      use.line = std::min(use.line, line);
      return;
    }
  to.push_back({name, line});
}

const std::string& at(const std::vector<std::string>& all, uint32_t index) {
  static const std::string nothing;
  return index < all.size() ? all[index] : nothing;
}

void look_at(const function& f, chunk_uses& uses) {
  for (size_t pc = 0; pc < f.code.size(); ++pc) {
    const auto i = f.code[pc];
    const auto op = i & 0x7f;
    const auto a = (i >> 7) & 0xff, b = (i >> 16) & 0xff, c = i >> 24;
    if (op == op_settabup && at(f.upvalues, a) == "_ENV")
      uses.writes.insert(at(f.constants, b));
    if (op != op_gettabup || at(f.upvalues, b) != "_ENV")
      continue;
    const auto& name = at(f.constants, c);
    if (name.empty())
      continue;
    add(uses.reads, name, f.line_at(pc));
    if (name != "require" || pc + 1 >= f.code.size() || (f.code[pc + 1] & 0x7f) != op_loadk)
      continue;
    const auto& module = at(f.constants, f.code[pc + 1] >> 15);
    if (!module.empty())
      add(uses.required, module, f.line_at(pc));
  }
}

int append(lua_State*, const void* bytes, size_t size, void* to) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
  return 0;
}

} // namespace

chunk_uses scan_chunk(std::string_view text) {
  const auto source = without_shebang(text);
  chunk_uses uses;
  state_ptr L(luaL_newstate(), &lua_close);
  if (!L)
    return uses;
  if (luaL_loadbufferx(L.get(), source.data(), source.size(), "=chunk", "t") != LUA_OK) {
    const auto plain = strip_types(source, &uses.types);
    if (luaL_loadbufferx(L.get(), plain.data(), plain.size(), "=chunk", "t") != LUA_OK)
      return {};
  }
  std::string bytes;
  lua_dump(L.get(), append, &bytes, 0);
  try {
    for (const auto& f : reader(bytes).read())
      look_at(f, uses);
  } catch (const std::exception&) {
    return {}; // a Lua that writes its code in another way: nothing is said then
  }
  auto by_line = [](const chunk_use& x, const chunk_use& y) {
    return std::pair(x.line, x.name) < std::pair(y.line, y.name);
  };
  std::sort(uses.reads.begin(), uses.reads.end(), by_line);
  std::sort(uses.required.begin(), uses.required.end(), by_line);
  return uses;
}

bool is_known_global(std::string_view name) {
  static const std::set<std::string, std::less<>> known{
      // of Lua itself
      "_G", "_VERSION", "assert", "coroutine", "error", "getmetatable", "ipairs", "math", "next", "os",
      "pairs", "pcall", "print", "rawequal", "rawget", "rawset", "require", "select", "setmetatable",
      "string", "table", "tonumber", "tostring", "type", "utf8", "xpcall", "unpack",
      // of this program
      "boolean", "integer", "number",
      "channel", "errors", "payload", "process", "pubsub", "subscribe", "unsubscribe"};
  return known.contains(name);
}

} // namespace natterjack::runtime::lua
