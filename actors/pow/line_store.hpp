// The last complete lines of a REST session's output.
//
//   a line        complete at "\n"; one "\r" before it is dropped; the last one also at the end of output
//   beyond lines, store_bytes   the oldest lines make room
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
  /// All lines, joined by "\n"; any bytes.
  std::string text() const;

 private:
  void add_line(std::string line);

  const rest_limits& limits_; // of the service, which outlives its sessions
  std::deque<std::string> lines_;
  size_t bytes_ = 0;
  std::string unfinished_;
};

} // namespace natterjack::pow
