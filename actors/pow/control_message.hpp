// What clients say in binary messages and in the body of `new`: the call, and signals.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::pow {

struct call_message {
  std::string name; ///< empty if the client gave none
  /// Empty if the client gave no list at all, which is not the same as an empty list.
  std::optional<std::vector<std::string>> arguments;
};

/// What may stand behind the document.
enum class behind : uint8_t {
  nothing,  ///< white space only: a websocket message is one document
  anything, ///< a REST body is read as far as its first document
};

/// Decodes `{"call": string, "params": [string, …]}`; field names match without case, unknown ones are
/// skipped, of doubled ones the last counts, `null` stands for absent.
/// @returns nothing if this is no call message
std::optional<call_message> decode_call(std::string_view text, behind what);

enum class signal : uint8_t { close, cancel };

/// Decodes `{"signal": "close"}` or `{"signal": "cancel"}` by the same rules.
/// @returns nothing for anything else
std::optional<signal> decode_signal(std::string_view text);

} // namespace natterjack::pow
