// Which encoding JSON bytes are in, and the same text as UTF-8.
//
//   bytes begin with          read as
//   a byte order mark         UTF-8, UTF-16 or UTF-32, as it says; the mark is dropped
//   zero bytes in the first 4 UTF-16 or UTF-32 without a mark: JSON begins with ASCII
//   anything else             UTF-8
//
// A lone surrogate becomes three bytes, as UTF-8 would write it if it were allowed to: JSON text
// may hold one, and Python passes it on.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace natterjack::amqp {

/// @param storage  holds the result if the bytes had to be converted
/// @returns a view of `bytes` or of `storage`; nothing if the bytes end within a character or hold
/// a
///          number above U+10FFFF. UTF-8 itself is not checked: the JSON scanner does that.
std::optional<std::string_view> decode_json_bytes(std::string_view bytes, std::string& storage);

/// Appends one code point, surrogates included. @param code at most 0x10FFFF
void append_utf8(std::string& out, uint32_t code);

} // namespace natterjack::amqp
