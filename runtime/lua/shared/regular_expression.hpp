// Regular expressions (ECMAScript) that scripts hand to modules: a schema's `pattern`, a filter of the
// registry.
//
//   bound   both texts: the standard library's matcher recurses with their length
#pragma once

#include <optional>
#include <string_view>

namespace natterjack::runtime::lua {

constexpr size_t expression_bytes_max = 1024;
constexpr size_t searched_bytes_max = 4096;

/// Whether the pattern is found anywhere in the text.
/// @returns nothing if it is no regular expression, or one of the two is too long
std::optional<bool> search_bounded(std::string_view pattern, std::string_view text);

} // namespace natterjack::runtime::lua
