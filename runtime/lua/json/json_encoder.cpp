#include "runtime/lua/json/json_codec.hpp"

#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/json/json_errors.hpp"

#include <lua.hpp>

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>

namespace natterjack::runtime::lua {

namespace {

// Set again for each state that opens, from several threads, always to the same.
std::atomic<embedded_reader> installed_reader{nullptr};

class encoder {
 public:
  /// @param found_error  set if an error was written as what it is; null: errors are their messages
  encoder(lua_State* L, byte_buffer& out, encode_error& error, bool* found_error = nullptr) noexcept
      : L_(L), out_(out), error_(error), found_error_(found_error) {}

  bool value(int index) {
    switch (lua_type(L_, index)) {
    case LUA_TBOOLEAN:
      return write(lua_toboolean(L_, index) != 0 ? "true" : "false");
    case LUA_TNUMBER:
      return number(index);
    case LUA_TSTRING:
      return string(index);
    case LUA_TTABLE:
      return table(index);
    case LUA_TUSERDATA:
      return userdata(index);
    default:
      return write("null");
    }
  }

 private:
  // The way to the value being written: which table, and where its present key stands.
  struct level {
    const void* table;
    int key;              // stack index; 0 if `position` counts
    lua_Integer position; // in an array
  };

  bool write(std::string_view bytes) { return out_.append(bytes) || full(); }

  bool string(int index) {
    size_t length = 0;
    const char* bytes = lua_tolstring(L_, index, &length); // a string already: no conversion
    return encode_text({bytes, length}, out_) || full();
  }

  bool number(int index) {
    if (!out_.ensure(40))
      return full();
    char* const at = out_.tail();
    if (lua_isinteger(L_, index) != 0) {
      out_.wrote(static_cast<size_t>(
          std::to_chars(at, at + 40, static_cast<int64_t>(lua_tointeger(L_, index))).ptr - at));
      return true;
    }
    const double number = lua_tonumber(L_, index);
    if (!std::isfinite(number)) {
      out_.put("null");
      return true;
    }
    constexpr double whole_max = 9007199254740992.0; // 2^53: below it, every digit is meant
    if (std::fabs(number) <= whole_max && number == std::trunc(number))
      out_.wrote(
          static_cast<size_t>(std::to_chars(at, at + 40, static_cast<int64_t>(number)).ptr - at));
    else
      out_.wrote(static_cast<size_t>(std::to_chars(at, at + 40, number).ptr - at));
    return true;
  }

  bool userdata(int index) {
    if (found_error_ != nullptr && is_error(L_, index))
      return whole_error(index);
    if (read_error_text(L_, index)) { // pushes the message
      const bool written = string(lua_gettop(L_));
      lua_pop(L_, 1);
      return written;
    }
    const embedded_reader read = installed_reader.load(std::memory_order_relaxed);
    embedded_value embedded;
    if (read == nullptr || !read(L_, index, embedded))
      return write("null");
    switch (embedded.kind) {
    case hub::payload_kind::json:
      return document(embedded.bytes);
    case hub::payload_kind::text:
      return encode_text(embedded.bytes, out_) || full();
    case hub::payload_kind::binary:
      return encode_base64(embedded.bytes, out_) || full();
    case hub::payload_kind::nil:
      break;
    }
    return write("null");
  }

  // What was received is passed on, with its errors if they are wanted.
  bool document(std::string_view bytes) {
    if (!bytes.starts_with(' '))
      return write(bytes);
    if (found_error_ != nullptr) {
      *found_error_ = true;
      return write(bytes);
    }
    try {
      return write(shown_errors(hub::payload::json(bytes)).bytes());
    } catch (const std::exception&) {
      return full();
    }
  }

  bool whole_error(int index) {
    if (lua_checkstack(L_, 6) == 0)
      return fail(encode_fault::too_large, "no room on the Lua stack for an error");
    *found_error_ = true;
    const auto kind = to_string(error_kind_of(L_, index));
    read_error_text(L_, index);
    bool written = write("{\"\\u0001error\":") && string(lua_gettop(L_)) &&
                   write(",\"kind\":") && (encode_text(kind, out_) || full());
    lua_pop(L_, 1);
    const auto retryable = push_error_details(L_, index);
    if (written && retryable)
      written = write(*retryable ? ",\"retryable\":true" : ",\"retryable\":false");
    if (written && lua_istable(L_, -1))
      written = details();
    lua_pop(L_, 1);
    return written && write("}");
  }

  // The table on top of the stack. One without a JSON form stays at home, the error goes on.
  bool details() {
    const size_t start = out_.size();
    const int index = lua_gettop(L_);
    const int depth = depth_;
    if (write(",\"details\":") && value(index))
      return true;
    lua_settop(L_, index);
    depth_ = depth;
    out_.truncate(start);
    return true;
  }

  bool table(int index) {
    if (lua_checkstack(L_, 6) == 0)
      return fail(encode_fault::too_large, "no room on the Lua stack for a table");
    const void* self = lua_topointer(L_, index);
    for (int i = 0; i < depth_; ++i)
      if (levels_[i].table == self)
        return fail(encode_fault::cycle, "cannot encode a table that contains itself");
    if (depth_ == encode_levels_max)
      return fail(encode_fault::too_deep, "cannot encode more than 128 levels of tables");
    levels_[depth_] = {self, 0, 0};
    lua_pushnil(L_);
    if (lua_next(L_, index) == 0)
      return write("[]");
    ++depth_;
    const bool written = lua_isinteger(L_, -2) != 0 ? array(index) : object(index);
    if (written)
      --depth_;
    return written;
  }

  // The first pair is on the stack. Tables keep 1..n in order as a rule, so one walk does; if not,
  // the walk is given up and the elements are fetched one by one.
  bool array(int index) {
    level& here = levels_[depth_ - 1];
    const size_t start = out_.size();
    const int key = lua_gettop(L_) - 1;
    if (!write("["))
      return false;
    for (lua_Integer i = 1;; ++i) {
      if (lua_isinteger(L_, key) == 0)
        return bad_array_key(key);
      if (lua_tointeger(L_, key) != i) {
        lua_settop(L_, key - 1);
        out_.truncate(start);
        return unordered_array(index);
      }
      here.position = i;
      if (!value(key + 1))
        return false;
      lua_settop(L_, key);
      if (lua_next(L_, index) == 0)
        return write("]");
      if (!write(","))
        return false;
    }
  }

  bool unordered_array(int index) {
    level& here = levels_[depth_ - 1];
    lua_Integer count = 0;
    lua_Integer last = 0;
    for (lua_pushnil(L_); lua_next(L_, index) != 0; lua_pop(L_, 1)) {
      if (lua_isinteger(L_, -2) == 0)
        return bad_array_key(lua_gettop(L_) - 1);
      const lua_Integer position = lua_tointeger(L_, -2);
      if (position < 1)
        return fail_here(encode_fault::sparse, "cannot encode a table with key %lld",
                         static_cast<long long>(position));
      last = position > last ? position : last;
      ++count;
    }
    if (last != count)
      return fail_here(encode_fault::sparse,
                       "cannot encode a table with gaps (%lld values, last key %lld)",
                       static_cast<long long>(count), static_cast<long long>(last));
    for (lua_Integer i = 1; i <= count; ++i) {
      if (!write(i == 1 ? "[" : ","))
        return false;
      here.position = i;
      lua_rawgeti(L_, index, i);
      if (!value(lua_gettop(L_)))
        return false;
      lua_pop(L_, 1);
    }
    return write("]");
  }

  bool bad_array_key(int key) {
    const int type = lua_type(L_, key);
    if (type == LUA_TSTRING || type == LUA_TBOOLEAN)
      return fail_here(encode_fault::mixed_keys, "cannot encode a table with mixed keys");
    return bad_key(key);
  }

  bool bad_key(int key) {
    const int type = lua_type(L_, key);
    return fail_here(encode_fault::bad_key, "cannot encode a table with a %s as key",
                     type == LUA_TNUMBER ? "fractional number" : lua_typename(L_, type));
  }

  // The first pair is on the stack.
  bool object(int index) {
    const int key = lua_gettop(L_) - 1;
    levels_[depth_ - 1].key = key;
    for (char before = '{';; before = ',') {
      if (!out_.append(before))
        return full();
      switch (lua_type(L_, key)) {
      case LUA_TSTRING:
        if (!string(key))
          return false;
        break;
      case LUA_TBOOLEAN:
        if (!write(lua_toboolean(L_, key) != 0 ? "\"true\"" : "\"false\""))
          return false;
        break;
      case LUA_TNUMBER:
        if (lua_isinteger(L_, key) != 0)
          return fail_here(encode_fault::mixed_keys, "cannot encode a table with mixed keys");
        [[fallthrough]];
      default:
        return bad_key(key);
      }
      if (!out_.append(':'))
        return full();
      if (!value(key + 1))
        return false;
      lua_settop(L_, key);
      if (lua_next(L_, index) == 0)
        return out_.append('}') || full();
    }
  }

  bool full() {
    return fail(encode_fault::too_large, "cannot encode more than %zu bytes", out_.bytes_max());
  }

  // The table at the end of the path is itself at fault, not the value under its present key.
  template <class... Ts> bool fail_here(encode_fault fault, const char* format, Ts... args) {
    --depth_;
    return fail(fault, format, args...);
  }

  [[gnu::format(printf, 3, 4)]] bool fail(encode_fault fault, const char* format, ...) {
    error_.fault = fault;
    va_list args;
    va_start(args, format);
    const int written = std::vsnprintf(error_.text, sizeof(error_.text), format, args);
    va_end(args);
    used_ = written < 0 ? 0 : static_cast<size_t>(written);
    say(" at $");
    for (int i = 0; i < depth_; ++i)
      say_step(levels_[i]);
    return false;
  }

  void say_step(const level& step) {
    if (step.key == 0) {
      char text[32];
      std::snprintf(text, sizeof(text), "[%lld]", static_cast<long long>(step.position));
      say(text);
    } else if (lua_type(L_, step.key) == LUA_TSTRING) {
      size_t length = 0;
      const char* name = lua_tolstring(L_, step.key, &length);
      say(".");
      say({name, length < 40 ? length : 40});
    } else {
      say(lua_toboolean(L_, step.key) != 0 ? ".true" : ".false");
    }
  }

  void say(std::string_view words) {
    constexpr std::string_view more = "...";
    const size_t room = sizeof(error_.text) - 1 - more.size();
    if (used_ > room)
      return; // cut already
    if (used_ + words.size() > room) {
      words = more;
      std::memcpy(error_.text + used_, words.data(), words.size());
      error_.text[used_ + words.size()] = '\0';
      used_ = sizeof(error_.text);
      return;
    }
    std::memcpy(error_.text + used_, words.data(), words.size());
    used_ += words.size();
    error_.text[used_] = '\0';
  }

  lua_State* L_;
  byte_buffer& out_;
  encode_error& error_;
  bool* found_error_;
  size_t used_ = 0; // bytes of error_.text
  int depth_ = 0;
  level levels_[encode_levels_max];
};

} // namespace

namespace {

bool encode(lua_State* L, int index, byte_buffer& out, encode_error& error,
            bool* found_error) noexcept {
  const size_t start = out.size();
  if (lua_checkstack(L, 4) == 0) {
    error.fault = encode_fault::too_large;
    std::snprintf(error.text, sizeof(error.text), "no room on the Lua stack");
    return false;
  }
  const int top = lua_gettop(L);
  encoder work(L, out, error, found_error);
  const bool written = work.value(lua_absindex(L, index));
  lua_settop(L, top);
  if (!written)
    out.truncate(start);
  return written;
}

} // namespace

bool encode_value(lua_State* L, int index, byte_buffer& out, encode_error& error) noexcept {
  return encode(L, index, out, error, nullptr);
}

bool encode_with_errors(lua_State* L, int index, std::string_view& document,
                        encode_error& error) noexcept {
  auto& out = encode_buffer();
  bool found_error = false;
  if (!out.append(' ') || !encode(L, index, out, error, &found_error))
    return false;
  document = out.view().substr(found_error ? 0 : 1);
  return true;
}

byte_buffer& encode_buffer() noexcept {
  thread_local byte_buffer buffer(encode_bytes_max);
  buffer.trim();
  buffer.clear();
  return buffer;
}

void set_embedded_reader(embedded_reader reader) noexcept {
  installed_reader.store(reader, std::memory_order_relaxed);
}

} // namespace natterjack::runtime::lua
