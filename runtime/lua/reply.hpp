// Answers that come later, from another thread: how a native module waits for work that others do.
//
//   in a C function                                   what happens
//   expect_answer(L), start the work, await_answer    the task waits; its results are the answer's
//                                                     values, or nil and an error
//   open_stream(L), start the work                    pushes a channel that receives what comes
//
//   from any thread                                   result
//   answer(to, values)  answer_error(to, kind, text)  the wait ends; once
//   stream_item(to, values)                           one value at the channel; bounded by the
//                                                     mailbox of the process, or by who gives credit
//   end_stream(to, last)                              the channel closes behind what it holds, and
//                                                     behind this value, if there is one
//
//   an address is plain data and may outlive the process: what comes too late is dropped
#pragma once

#include "hub/credit.hpp"
#include "hub/pid.hpp"
#include "hub/process.hpp"
#include "runtime/lua/host_api.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime::lua {

struct reply_address {
  hub::node* home = nullptr;
  hub::pid to;
  uint64_t number = 0;
  explicit operator bool() const noexcept { return home != nullptr; }
};

/// Why something failed, with all an error object can say.
struct failure {
  error_kind kind = error_kind::unknown;
  std::string text;
  std::string more; ///< JSON `{"retryable":…, "details":{…}}`, or empty
};

/// Prepares the present task for one answer. Raises where it cannot wait.
reply_address expect_answer(lua_State* L);
/// Nothing will come: the work was not started.
void forget_answer(lua_State* L, const reply_address& to) noexcept;
/// `return await_answer(L);` behind expect_answer.
int await_answer(lua_State* L);

/// Pushes a channel for a stream. Raises at the limit of channels.
reply_address open_stream(lua_State* L);
/// The script wants no more of it: the channel closes and what waited in it is dropped.
void close_stream(lua_State* L, uint64_t number) noexcept;

void answer(const reply_address& to, std::vector<hub::payload> values);
void answer_error(const reply_address& to, const failure& why);
void answer_error(const reply_address& to, error_kind kind, std::string_view text);
/// @param unheard  comes back when the script has taken the value
hub::send_result stream_item(const reply_address& to, std::vector<hub::payload> values,
                             hub::credit unheard = {});
void end_stream(const reply_address& to, std::vector<hub::payload> last = {});

/// What is known of an error besides its text, as `hub::exit_result` carries it.
hub::payload error_facts_of(const failure& why);
/// Pushes an error object of a text and such facts; without any it is INTERNAL. Neither may be owned
/// by the caller's frame: this may raise.
void push_known_error(lua_State* L, std::string_view text, const hub::payload& facts);

/// An error as it stands in a message: kind, text, and more; `push_failure` reads it.
std::vector<hub::payload> failure_values(const failure& why);
/// Pushes an error object of what `failure_values` made, from `values[first]` on.
void push_failure(lua_State* L, std::span<const hub::payload> values);

/// True for topics of answers and streams, which scripts cannot send to.
inline bool is_reply_topic(std::string_view topic) noexcept { return topic.starts_with('@'); }

} // namespace natterjack::runtime::lua
