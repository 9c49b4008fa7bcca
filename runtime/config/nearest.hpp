// "Did you mean …?": the nearest right word to a wrong one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

/// Edits between two words: insert, delete, replace or swap two neighbours (Damerau-Levenshtein,
/// optimal string alignment).
size_t edit_distance(std::string_view a, std::string_view b);

/// The candidate nearest to `word`, or empty when none is near enough to be meant: one edit for
/// each three letters, at least one; another spelling of capitals is always near.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// ` (did you mean "x"?)` or nothing.
std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates);

/// `one of: a, b, c`, sorted; past 40 words the rest is counted.
std::string one_of(std::vector<std::string> words);

} // namespace natterjack::runtime
