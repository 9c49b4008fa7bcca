// How the main task ends: what it returned, or the error with its text, kind and traceback.
#include "hub/counters.hpp"
#include "runtime/lua/base/module_errors.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/engine/traceback.hpp"
#include "runtime/lua/process/error_argument.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

constexpr size_t shown_max = 1000; // bytes of an error that is no text

// A table that was raised says more as JSON than by its address.
int to_text(lua_State* L) {
  encode_error error;
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, "error() without a value");
    return 1;
  }
  if (lua_type(L, 1) == LUA_TTABLE && luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
    auto& buffer = encode_buffer();
    if (encode_value(L, 1, buffer, error)) {
      lua_pushlstring(L, buffer.view().data(), std::min(buffer.view().size(), shown_max));
      return 1;
    }
  }
  luaL_tolstring(L, 1, nullptr);
  return 1;
}

} // namespace

void engine::finish(task& one, int status, int results) {
  if (status == LUA_OK) {
    if (one.is_main)
      read_results(one, results);
    forget(one);
    return;
  }
  if (status == LUA_ERRMEM) {
    out_of_memory(one.thread);
    outcome_.fatal = true;
    end_main(std::move(fatal_text_), std::move(fatal_traceback_));
    return;
  }
  auto trace = traceback(one.thread);
  std::string text;
  failure why{error_kind::internal, {}, {}};
  lua_xmove(one.thread, main_, 1); // an error leaves a thread no slot above its value
  if (const char* known = error_message(main_, -1); known != nullptr) {
    text = known;
    why.kind = error_kind_of(main_, -1);
    why.more = error_more(main_, -1);
  } else if (lua_type(main_, -1) == LUA_TSTRING) {
    size_t size = 0;
    const char* bytes = lua_tolstring(main_, -1, &size);
    text.assign(bytes, size);
  } else {
    // Its __tostring may be the script's: protected, and within the slice so that the budget holds.
    lua_pushcfunction(main_, to_text);
    lua_insert(main_, -2);
    mark_.running = main_;
    const char* shown = lua_pcall(main_, 1, 1, 0) == LUA_OK ? lua_tostring(main_, -1) : nullptr;
    mark_.running = nullptr;
    text = shown != nullptr ? shown : "(an error value that cannot be shown)";
  }
  lua_settop(main_, 0);
  if (text.find("C stack overflow") != std::string::npos) { // Lua's own words at the last level
    hub::count(hub::counter::limit_stack);
    const auto line = text.starts_with("C stack") ? script_line(one.thread) : std::string();
    text = (line.empty() ? "" : line + ": ") + text + ": limit stack (" +
           std::to_string(program_->limits().stack) + ") reached";
  }
  forget(one);
  outcome_.why = std::move(why);
  end_main(std::move(text), std::move(trace));
}

void engine::read_results(task& one, int results) {
  auto* L = one.thread;
  const int first = lua_gettop(L) - results + 1;
  outcome_.ended = true;
  lua_settop(L, first + std::min(results, 2) - 1); // many of them leave no slots to look at the first
  if (results >= 2 && lua_isnil(L, first) && !lua_isnil(L, first + 1)) {
    if (const char* known = error_message(L, first + 1); known != nullptr) {
      outcome_.result.error = known;
      outcome_.why.kind = error_kind_of(L, first + 1);
      outcome_.why.more = error_more(L, first + 1);
    } else if (lua_type(L, first + 1) == LUA_TSTRING)
      outcome_.result.error = lua_tostring(L, first + 1);
    encode_error unshown;
    if (auto& buffer = encode_buffer(); outcome_.result.error.empty() &&
                                        encode_value(L, first + 1, buffer, unshown)) {
      outcome_.result.error = buffer.view().substr(0, shown_max);
      buffer.trim();
    }
    if (outcome_.result.error.empty())
      outcome_.result.error = "failed with an error value that is not a text";
    outcome_.why.text = outcome_.result.error;
    return;
  }
  if (exchange_ != nullptr && exchange_->touched)
    return; // the request has been answered: nobody asks for the value
  encode_error error;
  const auto read = exchange_ == nullptr ? read_argument : read_payload; // for scripts, or as a body
  if (results >= 1 && !read(L, first, outcome_.result.value, error)) {
    outcome_.result = {{}, std::string("what it returned cannot be handed on: ") + error.text};
    outcome_.why = {error_kind::invalid, outcome_.result.error, {}};
    outcome_.traceback = "returned by " + program_->chunk_name();
  }
}

void engine::end_main(std::string error, std::string trace) noexcept {
  if (outcome_.ended)
    return;
  outcome_.ended = true;
  outcome_.result.error = error.empty() ? "failed" : std::move(error);
  outcome_.why.text = outcome_.result.error;
  outcome_.traceback = std::move(trace);
}

void engine::fail_main(std::string error) {
  end_main(std::move(error), {});
}

} // namespace natterjack::runtime::lua
