// One mistake in an application: where it stands, what is wrong, what was expected instead.
//
//   rendered   app/_index.yaml:14: app.chat:hub: unknown key "methd" (did you mean "method"?);
//              expected one of: kind, meta, method, name, source
//   collected  all of one run, never only the first
//   sorted     by file, then line, then the order they were found in
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct diagnostic {
  std::string file;     ///< as the user would open it, or the command line option that is wrong
  int line = 0;         ///< from 1; 0: the file (or option) as a whole
  std::string entry_id; ///< `ns:name`; empty when no entry is concerned
  std::string message;  ///< what is wrong
  std::string expected; ///< what would be right, without the word "expected"; may be empty

  bool operator==(const diagnostic&) const = default;
};

/// One line of text, without a line end.
std::string to_string(const diagnostic& d);

/// All of them, one a line.
std::string render(const std::vector<diagnostic>& all);

/// Orders by file and line and drops what was said twice.
void sort(std::vector<diagnostic>& all);

} // namespace natterjack::runtime
