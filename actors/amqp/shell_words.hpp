// A command string as words, split as a POSIX shell splits them: blanks, quotes, backslashes; no
// expansion.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::amqp {

/// @param problem  set when the result is empty: "No closing quotation" or "No escaped character"
std::optional<std::vector<std::string>> split_words(std::string_view line, std::string& problem);

} // namespace natterjack::amqp
