// What a native module of the Lua host may use: who runs, how to fail, values, channels, timers,
// logs.
//
//   need                          use
//   the process this code runs    context_of(L): pid, node, program, HTTP exchange
//   an expected failure           return fail(L, kind, text)             Lua gets nil, err
//   wrong use by the script       return raise(L, "text")               Lua gets an error
//   a value from / to JSON        decode_value, encode_value (json_codec.hpp)
//   a value from / to a payload   push_payload, read_payload
//   something later               push_channel, start_timer, stop_timer
//   a long loop in C              check_budget(L), now and then
//
//   never   let a C++ exception out of a C function: register it as `guarded<f>`
//   never   hold an object with a destructor while calling what may raise: Lua unwinds by longjmp.
//           Nearly every lua_* call that pushes may raise (no memory). Work in two steps: C++
//           objects in an inner function that returns plain data (or leaves it in `scratch`),
//           then push.
#pragma once

#include "hub/log_level.hpp"
#include "hub/payload.hpp"
#include "hub/process.hpp"
#include "relay/http/exchange.hpp"
#include "runtime/lua/http/request_body.hpp"
#include "runtime/lua/json/json_codec.hpp"

#include <lua.hpp>

#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

class lua_program;
class lua_runtime;

// -- who runs -----------------------------------------------------------------

/// One HTTP request while a function answers it. Nothing is sent before the handler returned, unless it
/// asked for that.
struct http_exchange {
  std::shared_ptr<const relay::http_request> request;
  relay::http_response response;
  bool touched = false; ///< the handler set a header or a status, or wrote: it counts as handled
  relay::http_reply reply; ///< gives the answer, or its beginning
  std::shared_ptr<relay::body_stream> stream; ///< set: the head has been given, what is written goes here
  bool unbuffered = false; ///< what is written is given at once
  request_body body;       ///< if it comes piece by piece
};

/// What C functions see of the process they run in. Lives as long as its lua_State.
class process_context {
 public:
  virtual ~process_context() = default;

  virtual const hub::pid& id() const noexcept = 0;
  virtual hub::node& node() const noexcept = 0;
  virtual lua_runtime& runtime() const noexcept = 0;
  virtual const lua_program& program() const noexcept = 0;
  /// The request being answered, or null outside an endpoint function.
  virtual http_exchange* exchange() noexcept = 0;

  /// A string of this state that C functions may fill and push from; survives a raise.
  /// Valid until the next call of anything that uses it: take it, clear it, fill it, push it.
  std::string scratch;
};

process_context& context_of(lua_State* L) noexcept;

// -- failing ------------------------------------------------------------------

enum class error_kind : uint8_t {
  unknown,
  invalid,
  not_found,
  already_exists,
  permission_denied,
  timeout,
  canceled,
  unavailable,
  internal,
  conflict,
  rate_limited,
};

/// Pushes nil and an error object. @returns 2, so that a C function can `return fail(...)`
/// The text is copied before anything can raise only if it is in static storage or `scratch`;
/// else the caller must not own it by a destructor.
int fail(lua_State* L, error_kind kind, std::string_view text);

/// Raises with "<entry> (<file>):<line>: " in front, as luaL_error; never returns.
int raise(lua_State* L, const char* text);

/// Turns C++ exceptions of F into Lua errors: register `guarded<f>` instead of `f`.
int raise_caught(lua_State* L);
void keep_caught(const char* what) noexcept;
template <int (*F)(lua_State*)> int guarded(lua_State* L) {
  try {
    return F(L);
  } catch (const std::exception& e) {
    keep_caught(e.what()); // raising from here would leave the exception unreleased
  }
  return raise_caught(L);
}

/// The same for a continuation.
template <int (*F)(lua_State*, int, lua_KContext)>
int guarded_k(lua_State* L, int status, lua_KContext context) {
  try {
    return F(L, status, context);
  } catch (const std::exception& e) {
    keep_caught(e.what());
  }
  return raise_caught(L);
}

// -- values -------------------------------------------------------------------

/// Appends the value at `index` as one JSON document (rules: json_codec.hpp). Never raises.
/// @returns null, or a sentence that says why the value cannot be encoded, good until the next call
const char* append_json(lua_State* L, int index, std::string& out) noexcept;

struct json_error {
  const char* what = nullptr; ///< null: fine
  size_t offset = 0;          ///< bytes from the start of the text
};

/// Parses one JSON document and pushes it; null is nil. On an error pushes nothing. May raise.
json_error push_json(lua_State* L, std::string_view text);

/// Pushes what a payload holds: nil, a string, or the value of the JSON document.
/// @returns false, with nothing pushed, if a JSON payload does not parse
bool push_payload(lua_State* L, const hub::payload& value, decode_error& error);

/// Encodes the value at `index` into `out`: nil, a string as text (binary if it is no UTF-8), a
/// payload object as what it holds, everything else as JSON. Never raises.
/// @returns false, with `error.text`, if the value has no such form
bool read_payload(lua_State* L, int index, hub::payload& out, encode_error& error) noexcept;

// -- later --------------------------------------------------------------------

/// Pushes a new channel. Raises when the process has too many.
void push_channel(lua_State* L, size_t capacity);

/// After `delay_ns` puts the Time of that moment into the channel at `channel_index` (if a buffered
/// place or a receiver is there), then again every `every_ns` unless that is 0.
/// @returns a number for stop_timer; raises when the process has too many timers
uint64_t start_timer(lua_State* L, int channel_index, int64_t delay_ns, int64_t every_ns = 0);
/// @returns true if the timer had not fired (for the last time) yet
bool stop_timer(lua_State* L, uint64_t timer) noexcept;

// -- logs and limits ----------------------------------------------------------

using natterjack::log_level;

/// Writes one line with entry, PID and the script's line in front.
/// @param text     message, fields already appended
/// @param message  the message alone; empty: all of `text`
/// @param members  the fields as members of a JSON object, without braces; if `log_members`
void log(lua_State* L, log_level level, std::string_view text, std::string_view message = {},
         std::string_view members = {});
/// Whether the log wants fields as JSON as well.
bool log_members(lua_State* L) noexcept;
bool log_enabled(lua_State* L, log_level level) noexcept;

/// Call it every few thousand steps of a loop that runs no Lua code: ends the process when it is
/// over its budget (raises, and no pcall holds that). Costs a nanosecond while the slice is not
/// over.
void check_budget(lua_State* L);

// -- what the modules give to the engine ---------------------------------------
// Each opener is a lua_CFunction that pushes one plain table; the engine makes it read-only.

int open_json(lua_State* L);   // module_json: encode, decode
int open_http(lua_State* L);   // module_http: request, response, constants
int open_logger(lua_State* L); // module_logger
int open_errors(lua_State* L); // module_errors: global `errors`
/// module_time_values: `time` without sleep, after, timer, ticker (the engine adds these).
int open_time_values(lua_State* L);

/// shims: puts the bounded functions of `string` and `table` in place of the standard ones; called
/// once for each fresh state, while these are still writable globals. (`math` and `os`: shims.hpp)
void install_shims(lua_State* L);

/// module_errors: pushes an error object. `text` as for fail().
void push_error(lua_State* L, error_kind kind, std::string_view text);
/// module_errors: the message of an error object at `index`; null if it is none. Runs no Lua code.
const char* error_message(lua_State* L, int index) noexcept;
/// module_errors: the kind of an error object at `index`; unknown if it is none.
error_kind error_kind_of(lua_State* L, int index) noexcept;

/// module_errors: JSON of retryable and details of an error object; empty if it has neither.
std::string error_more(lua_State* L, int index) noexcept;
/// module_errors: takes these from the table on top of the stack into the error at `index`.
void set_error_more(lua_State* L, int index);
/// module_errors: "NotFound" or "NOT_FOUND" -> the kind; unknown for all else.
error_kind error_kind_named(std::string_view name) noexcept;

/// module_time_values: reads a duration: text ("1m30s"), nanoseconds, or a Duration.
/// @param why  set to a static sentence if the result is false
bool read_duration(lua_State* L, int index, int64_t& nanoseconds, const char*& why) noexcept;
/// module_time_values: pushes a Time. @param unix_ns  nanoseconds since 1970, UTC
void push_time(lua_State* L, int64_t unix_ns);

} // namespace natterjack::runtime::lua
