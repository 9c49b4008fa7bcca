#include "runtime/config/nearest.hpp"

#include <algorithm>
#include <cctype>

namespace natterjack::runtime {

namespace {

// Words come from files: an absurdly long one must not cost its square.
constexpr size_t word_length_max = 200;

std::string lower(std::string_view text) {
  std::string made(text);
  std::transform(made.begin(), made.end(), made.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return made;
}

} // namespace

size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before_last(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j)
    last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replace = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replace});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
        row[j] = std::min(row[j], before_last[j - 2] + 1);
    }
    before_last.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}

std::string nearest(std::string_view word, const std::vector<std::string>& candidates) {
  if (word.empty() || word.size() > word_length_max)
    return {};
  const std::string wanted = lower(word);
  const size_t allowed = std::max<size_t>(1, word.size() / 3);
  size_t best = allowed + 1;
  std::string found;
  for (const auto& candidate : candidates) {
    if (candidate.size() > word.size() + allowed || word.size() > candidate.size() + allowed)
      continue;
    const size_t distance = edit_distance(wanted, lower(candidate));
    if (distance < best) {
      best = distance;
      found = candidate;
    }
  }
  return found;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
  const std::string found = nearest(word, candidates);
  return found.empty() || found == word ? "" : " (did you mean \"" + found + "\"?)";
}

std::string one_of(std::vector<std::string> words) {
  constexpr size_t shown_max = 40;
  std::erase(words, ""); // right, and nothing to recommend
  std::sort(words.begin(), words.end());
  words.erase(std::unique(words.begin(), words.end()), words.end());
  std::string text;
  for (size_t i = 0; i < words.size() && i < shown_max; ++i)
    text += (i == 0 ? "" : ", ") + words[i];
  if (words.size() > shown_max)
    text += " and " + std::to_string(words.size() - shown_max) + " more";
  return words.size() == 1 ? text : "one of: " + text;
}

} // namespace natterjack::runtime
