// The userdata behind an error: what it holds, and its methods. For who makes errors
// (module_errors.cpp); others use module_errors.hpp.
//
// What is a Lua value is a user value of it, so that the collector sees it.
#pragma once

#include "runtime/lua/host_api.hpp"

#include <string_view>

namespace natterjack::runtime::lua {

enum class retry : uint8_t { unsaid, no, yes };

struct error_object {
  error_kind kind;
  retry retryable;
};

/// `frames` is one string, "source\tline\tname\n" for each call: cheap to make for errors that
/// nobody asks for their stack.
/// `shown` is what a wrapped error reads as a text, its context in front; others have none.
enum error_value {
  message_value = 1,
  details_value,
  frames_value,
  shown_value,
  user_value_count = shown_value
};

/// The error at `index`, or null. Never raises.
error_object* to_error(lua_State* L, int index) noexcept;

/// Makes an error of the message on top of the stack, in its place, with the calls that led here.
error_object* make_error(lua_State* L, error_kind kind, retry retryable);

/// Makes the class of errors in a fresh state; pushes its metatable.
void push_error_class(lua_State* L);

/// One call that led to an error.
struct call_frame {
  std::string_view source, line, name;
};

/// The frames of the error at `index`; valid while it is.
std::string_view frames_of(lua_State* L, int index);
/// Takes the next frame from `rest`. @returns false at the end
bool next_frame(std::string_view& rest, call_frame& frame);

} // namespace natterjack::runtime::lua
