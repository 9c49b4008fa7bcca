// Small texts of HTTP: query strings, media types, Accept.
#pragma once

#include "runtime/lua/byte_buffer.hpp"

#include <string_view>

namespace natterjack::runtime::lua {

/// One `key=value` of a query string, percent-decoded.
struct query_pair {
  std::string_view key, value;
};

/// Takes the next pair from `rest`. An incomplete escape stays as it is, a plus is a space.
/// @param buffer  holds what `pair` points to
/// @returns false at the end
bool next_query_pair(std::string_view& rest, byte_buffer& buffer, query_pair& pair) noexcept;

/// RFC 9110 5.6.2: what a header may be called.
bool is_token(std::string_view name) noexcept;

/// RFC 9110 5.5: no CR, LF or NUL; other control bytes are refused as well.
bool is_header_value(std::string_view value) noexcept;

/// "text/html; charset=utf-8" -> "text/html"
std::string_view media_type(std::string_view value) noexcept;

/// RFC 9110 12.5.1: whether an Accept header takes this media type. The most exact range decides; a
/// weight of 0 means "not acceptable".
bool accepts_type(std::string_view accept, std::string_view type) noexcept;

} // namespace natterjack::runtime::lua
