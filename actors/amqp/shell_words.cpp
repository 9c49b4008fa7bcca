#include "actors/amqp/shell_words.hpp"

namespace natterjack::amqp {

std::optional<std::vector<std::string>> split_words(std::string_view line, std::string& problem) {
  std::vector<std::string> words;
  std::string word;
  bool has_word = false; // also an empty one, as in ''
  char quote = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (quote == 0 && (c == ' ' || c == '\t' || c == '\n' || c == '\r')) {
      if (has_word)
        words.push_back(std::move(word));
      word.clear();
      has_word = false;
    } else if (quote == 0 && (c == '\'' || c == '"')) {
      quote = c;
      has_word = true;
    } else if (quote != 0 && c == quote) {
      quote = 0;
    } else if (c == '\\' && quote != '\'') {
      if (i + 1 == line.size()) {
        problem = "No escaped character";
        return std::nullopt;
      }
      const char next = line[i + 1];
      // POSIX 2.2.3: within double quotes a backslash stands for itself before most characters.
      if (quote == '"' && next != '"' && next != '\\')
        word += c;
      word += next;
      has_word = true;
      ++i;
    } else {
      word += c;
      has_word = true;
    }
  }
  if (quote != 0) {
    problem = "No closing quotation";
    return std::nullopt;
  }
  if (has_word)
    words.push_back(std::move(word));
  return words;
}

} // namespace natterjack::amqp
