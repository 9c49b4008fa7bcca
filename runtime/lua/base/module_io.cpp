// The Lua module `io`: standard input and output of the program.
//
//   io.write(…) print(…) eprint(…)   true              as they are; joined by tabs, with a newline
//   io.readline() read(n)            text              nil, err (UNAVAILABLE): the input has ended
//   io.flush() args() raw(on)        true; list; true
#include "runtime/lua/application_modules.hpp"
#include "runtime/lua/base/error_output.hpp"
#include "runtime/lua/base/terminal.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/shared/services.hpp"

#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <atomic>

namespace natterjack::runtime::lua {

namespace {

// Pushes the arguments as one text.
void join_arguments(lua_State* L, const char* between, const char* end) {
  const int count = lua_gettop(L);
  luaL_Buffer text;
  luaL_buffinit(L, &text);
  for (int i = 1; i <= count; ++i) {
    if (i > 1)
      luaL_addstring(&text, between);
    luaL_tolstring(L, i, nullptr);
    luaL_addvalue(&text);
  }
  luaL_addstring(&text, end);
  luaL_pushresult(&text);
}

int io_write(lua_State* L) {
  join_arguments(L, "", "");
  engine_of(L).runtime().print(text_of(L, -1));
  lua_pushboolean(L, 1);
  return 1;
}

int io_print(lua_State* L) {
  join_arguments(L, "\t", "\n");
  engine_of(L).runtime().print(text_of(L, -1));
  lua_pushboolean(L, 1);
  return 1;
}

int io_eprint(lua_State* L) {
  join_arguments(L, "\t", "\n");
  error_output().write(text_of(L, -1));
  lua_pushboolean(L, 1);
  return 1;
}

int io_flush(lua_State* L) {
  lua_pushboolean(L, 1); // what is written is on its way already
  return 1;
}

void start_reading(engine& self, size_t count, const reply_address& to) {
  auto& terminal = self.runtime().shared().of<lua::terminal>();
  terminal.readers.run([&terminal, count, to] {
    std::string text;
    if (terminal.read(count, text))
      answer(to, {hub::is_utf8(text) ? hub::payload::text(text) : hub::payload::binary(text)});
    else
      answer_error(to, error_kind::unavailable, "the input has ended");
  });
}

int io_readline(lua_State* L) {
  const auto to = expect_answer(L);
  start_reading(engine_of(L), 0, to);
  return await_answer(L);
}

int io_read(lua_State* L) {
  const auto count = luaL_optinteger(L, 1, 1024);
  const auto to = expect_answer(L);
  start_reading(engine_of(L), count <= 0 ? 1024 : static_cast<size_t>(count), to);
  return await_answer(L);
}

int io_args(lua_State* L) {
  const auto& arguments = engine_of(L).runtime().shared().of<terminal>().arguments;
  lua_createtable(L, static_cast<int>(arguments.size()), 0);
  lua_Integer place = 0;
  for (const auto& one : arguments) {
    lua_pushlstring(L, one.data(), one.size());
    lua_rawseti(L, -2, ++place);
  }
  return 1;
}

int io_raw(lua_State* L) {
  const bool on = lua_isnoneornil(L, 1) || lua_toboolean(L, 1) != 0;
  if (!engine_of(L).runtime().shared().of<terminal>().raw(on))
    return fail(L, error_kind::unavailable, "standard input is no terminal");
  lua_pushboolean(L, 1);
  return 1;
}

} // namespace

int open_io(lua_State* L) {
  constexpr luaL_Reg functions[] = {
      {"write", guarded<io_write>},       {"print", guarded<io_print>},
      {"eprint", guarded<io_eprint>},     {"flush", io_flush},
      {"readline", guarded<io_readline>}, {"read", guarded<io_read>},
      {"args", guarded<io_args>},         {"raw", guarded<io_raw>},
      {nullptr, nullptr}};
  luaL_newlib(L, functions);
  return 1;
}

// -- standard input ---------------------------------------------------------------

terminal::~terminal() {
  stop();
  if (saved_)
    tcsetattr(STDIN_FILENO, TCSANOW, saved_.get());
}

void terminal::stop() {
  end_input();
  readers.stop();
}

bool terminal::fill() {
  while (!ended_) {
    pollfd input{STDIN_FILENO, POLLIN, 0};
    if (poll(&input, 1, 100) <= 0) // now and then: has the program ended meanwhile?
      continue;
    char bytes[4096];
    const auto size = ::read(STDIN_FILENO, bytes, sizeof bytes);
    if (size <= 0)
      return false;
    buffer_.append(bytes, static_cast<size_t>(size));
    return true;
  }
  return false;
}

bool terminal::read(size_t count, std::string& out) {
  std::lock_guard guard(mutex_);
  if (count != 0) {
    if (buffer_.empty() && !fill())
      return false;
    out = buffer_.substr(0, count);
    buffer_.erase(0, out.size());
    return true;
  }
  size_t end = buffer_.find('\n');
  while (end == buffer_.npos) {
    const auto looked = buffer_.size();
    if (!fill()) {
      if (buffer_.empty())
        return false;
      out = std::move(buffer_);
      buffer_.clear();
      return true;
    }
    end = buffer_.find('\n', looked);
  }
  out = buffer_.substr(0, end);
  buffer_.erase(0, end + 1);
  if (out.ends_with('\r'))
    out.pop_back();
  return true;
}

bool terminal::raw(bool on) {
  std::lock_guard guard(raw_mutex_);
  if (isatty(STDIN_FILENO) == 0)
    return false;
  if (!saved_) {
    saved_ = std::make_unique<termios>();
    tcgetattr(STDIN_FILENO, saved_.get());
  }
  raw_depth_ = on ? raw_depth_ + 1 : std::max(raw_depth_ - 1, 0);
  auto wanted = *saved_;
  if (raw_depth_ > 0)
    wanted.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
  return tcsetattr(STDIN_FILENO, TCSANOW, &wanted) == 0;
}

} // namespace natterjack::runtime::lua
