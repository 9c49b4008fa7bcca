// Losses that nobody would see else, said in the log once in ten seconds.
#pragma once

#include <chrono>
#include <cstdint>

namespace natterjack::runtime {

class loss_report {
 public:
  /// Called again and again by one thread, with totals since the start.
  /// @param print_lines  of scripts, dropped because nobody reads standard output
  void look(uint64_t print_lines);

 private:
  std::chrono::steady_clock::time_point told_{};
  uint64_t lines_told_ = 0;
  uint64_t messages_told_ = 0;
};

} // namespace natterjack::runtime
