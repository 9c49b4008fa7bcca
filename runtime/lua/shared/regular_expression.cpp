#include "runtime/lua/shared/regular_expression.hpp"

#include <regex>

namespace natterjack::runtime::lua {

std::optional<bool> search_bounded(std::string_view pattern, std::string_view text) {
  if (pattern.size() > expression_bytes_max || text.size() > searched_bytes_max)
    return std::nullopt;
  try {
    const std::regex made(pattern.begin(), pattern.end(), std::regex::ECMAScript);
    return std::regex_search(text.begin(), text.end(), made);
  } catch (const std::regex_error&) { // also what takes it too many steps
    return std::nullopt;
  }
}

} // namespace natterjack::runtime::lua
