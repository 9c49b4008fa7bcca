// Lua values to JSON text and back, without a tree in between.
//
//   Lua value                         JSON
//   nil, function, thread, userdata   null (userdata: see `embedded_reader` and error objects)
//   integer, float                    shortest decimal; whole floats without ".0"; inf, nan null
//   string                            string; bytes that are not UTF-8 become U+FFFD
//   {}                                []
//   keys 1..n, all there              array
//   string and boolean keys           object, in the table's own order
//   error object                      string, its message
//
//   JSON          Lua value
//   null          nil (a hole in an array, an absent key in an object)
//   number        integer if it is written as one and fits 64 bits, else float
//   string        string; a lone surrogate becomes U+FFFD
//
//   refuses  tables with mixed keys or gaps, cycles, more than 128 levels, more bytes than the
//            buffer may hold; texts that are not RFC 8259, more than 512 levels
//   never    calls metamethods; the encoder never raises a Lua error. The decoder may (no memory)
#pragma once

#include "hub/payload.hpp"
#include "runtime/lua/byte_buffer.hpp"

#include <cstddef>
#include <string_view>

struct lua_State;

namespace natterjack::runtime::lua {

constexpr int encode_levels_max = 128;
constexpr int decode_levels_max = 512;
constexpr size_t encode_bytes_max = 16u << 20; ///< of `encode_buffer`

enum class encode_fault : unsigned char {
  none,
  mixed_keys, ///< array and object keys in one table
  sparse,     ///< integer keys other than 1..n
  bad_key,    ///< a key that is neither string, boolean nor integer
  cycle,      ///< a table inside itself
  too_deep,   ///< more than `encode_levels_max` levels
  too_large,  ///< the buffer's bound, or memory, is used up
};

/// Why a value has no JSON form. Plain bytes, so that it may live across a Lua error.
struct encode_error {
  encode_fault fault = encode_fault::none;
  char text[320] = "";
};

/// Appends the JSON text of the value at `index`.
/// @returns false, with `out` as it was and `error.text` such as "cannot encode a table with mixed
///          keys at $.a.b"
bool encode_value(lua_State* L, int index, byte_buffer& out, encode_error& error) noexcept;

/// Appends `text` as a JSON string with its quotes. @returns false if the buffer is full
bool encode_text(std::string_view text, byte_buffer& out) noexcept;

/// Appends any bytes as a JSON string in base64 (standard alphabet, padded). @returns as above
bool encode_base64(std::string_view bytes, byte_buffer& out) noexcept;

/// A buffer of this thread for one encoding at a time, emptied.
byte_buffer& encode_buffer() noexcept;

/// A value that knows its own JSON form, such as a payload that is passed on.
struct embedded_value {
  hub::payload_kind kind = hub::payload_kind::nil;
  std::string_view bytes; ///< owned by the userdata; binary is written as base64
};

/// Tells whether the userdata at `index` carries such a value. Must not raise.
using embedded_reader = bool (*)(lua_State* L, int index, embedded_value& value) noexcept;

/// Installs the reader for all states; at start, before the first encoding.
void set_embedded_reader(embedded_reader reader) noexcept;

struct decode_error {
  size_t offset = 0; ///< of the byte at fault, counted from 1
  char text[200] = "";
};

/// Pushes the value of one JSON document.
/// @returns false, with nothing pushed and `error.text` such as "unexpected '}' at byte 12,
/// expected
///          a value"
bool decode_value(lua_State* L, std::string_view document, decode_error& error);

} // namespace natterjack::runtime::lua
