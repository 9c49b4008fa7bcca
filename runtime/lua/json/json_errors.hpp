// Errors in JSON that goes from script to script: kind, details and `retryable` travel with the message.
//
//   a document with errors   begins with a space, so that nobody has to look for them
//   an error in it           {"\u0001error": message, "kind": "NotFound", "retryable": …, "details": {…}},
//                            a first member no script would name
//   shown_errors             the same for everybody else: each error is its message, as in any JSON
#pragma once

#include "runtime/lua/json/json_codec.hpp"

#include <optional>
#include <string_view>

namespace natterjack::runtime::lua {

constexpr const char* error_member = "\1error";

/// As `encode_value`, with errors as what they are. @param document  in `encode_buffer`
bool encode_with_errors(lua_State* L, int index, std::string_view& document,
                        encode_error& error) noexcept;

/// As `decode_value`, with errors as what they were.
bool decode_with_errors(lua_State* L, std::string_view document, decode_error& error);

/// True for a document of `encode_with_errors` that has an error in it.
inline bool holds_errors(const hub::payload& value) noexcept {
  return value.kind() == hub::payload_kind::json && value.bytes().starts_with(' ');
}

/// True if the whole document is one error.
bool is_error_document(std::string_view document) noexcept;

/// A document with each error as its message; other payloads as they are.
hub::payload shown_errors(const hub::payload& value);

/// Pushes the details of the error object at `index`, or nil. @returns whether to try again; nothing: it
/// does not say
std::optional<bool> push_error_details(lua_State* L, int index) noexcept;

/// Makes of the table on top of the stack, which has an `error_member`, the error it describes.
void error_of_table(lua_State* L);

} // namespace natterjack::runtime::lua
