// Bytes as text: base64 (RFC 4648, both alphabets) and hexadecimal.
#pragma once

#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

/// Replaces `out`. @param for_urls  the second alphabet, without padding
void encode_base64_text(std::string_view bytes, std::string& out, bool for_urls);
/// Takes both alphabets, with padding or without. @returns false if it is neither
bool decode_base64_text(std::string_view text, std::string& out);
/// Replaces `out` by lower-case hexadecimal digits.
void encode_hex(std::string_view bytes, std::string& out);

} // namespace natterjack::runtime::lua
