// Which part of a line of the log is a traceback: said by who logs it, read by the formatter.
//
// The rest of the line may hold what a client has sent, also what looks like a traceback. Holds for the
// calling thread and for as long as the object lives.
#pragma once

#include <string_view>

namespace natterjack::runtime {

class log_traceback {
 public:
  /// @param trace  what the line ends with, behind a line break; must outlive this
  explicit log_traceback(std::string_view trace) noexcept { current() = trace; }
  ~log_traceback() { current() = {}; }
  log_traceback(const log_traceback&) = delete;
  log_traceback& operator=(const log_traceback&) = delete;

  /// Takes it off the end of a line. @returns empty if the line has none
  static std::string_view split(std::string_view& line) noexcept {
    const auto trace = current();
    if (trace.empty() || line.size() <= trace.size() || !line.ends_with(trace) ||
        line[line.size() - trace.size() - 1] != '\n')
      return {};
    line.remove_suffix(trace.size() + 1);
    return trace;
  }

 private:
  static std::string_view& current() noexcept {
    thread_local std::string_view now;
    return now;
  }
};

} // namespace natterjack::runtime
