// The last complete lines of a REST session's output, kept as JSON has them: clients ask for them
// again and again, and each character is escaped once.
//
//   a line        complete at "\n"; one "\r" before it is dropped; the last one also at the end of output
//   beyond lines, store_bytes   the oldest lines make room; counted is what is kept
//   beyond line_bytes           the line is broken in two
#pragma once

#include "actors/pow/service_options.hpp"

#include <deque>
#include <string>
#include <string_view>

namespace natterjack::pow {

class line_store {
 public:
  explicit line_store(const rest_limits& limits) noexcept : limits_(limits) {}

  void append(std::string_view bytes);
  /// No more will come: an unfinished last line counts as one.
  void finish();
  /// False also if there is nothing but one empty line.
  bool has_text() const noexcept { return bytes_ != 0 || lines_.size() > 1; }
  /// Bytes that `append_json` needs, at most.
  size_t json_bytes() const noexcept { return bytes_ + 2 * lines_.size() + 2; }
  /// All lines, joined by "\n", as one JSON string; bytes that are not UTF-8 as \ufffd.
  void append_json(std::string& out) const;

 private:
  void add_line(std::string_view line);

  const rest_limits& limits_; // of the service, which outlives its sessions
  std::deque<std::string> lines_; // escaped
  size_t bytes_ = 0;
  std::string unfinished_;
};

} // namespace natterjack::pow
