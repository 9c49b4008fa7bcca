#include "runtime/config/diagnostic.hpp"

#include <algorithm>
#include <tuple>

namespace natterjack::runtime {

std::string to_string(const diagnostic& d) {
  std::string line = d.file;
  if (d.line > 0)
    line += ':' + std::to_string(d.line);
  if (!line.empty())
    line += ": ";
  if (!d.entry_id.empty())
    line += d.entry_id + ": ";
  line += d.message;
  if (!d.expected.empty())
    line += "; expected " + d.expected;
  std::replace(line.begin(), line.end(), '\n', ' ');
  return line;
}

std::string render(const std::vector<diagnostic>& all) {
  std::string text;
  for (const auto& d : all)
    text += to_string(d) + '\n';
  return text;
}

void sort(std::vector<diagnostic>& all) {
  std::stable_sort(all.begin(), all.end(), [](const diagnostic& a, const diagnostic& b) {
    return std::tie(a.file, a.line) < std::tie(b.file, b.line);
  });
  all.erase(std::unique(all.begin(), all.end()), all.end());
}

} // namespace natterjack::runtime
