// Who a line of the log is about, for formats with fields: set around the call, read by the formatter.
//
// The text of a line stands alone; these are the same facts for machines. They hold for the calling
// thread and for as long as the scope lives.
#pragma once

#include "hub/pid.hpp"

#include <string>
#include <string_view>

namespace natterjack::hub {

struct log_fields {
  std::string_view entry{};   ///< entry id
  pid process{};              ///< a hub, a function's worker, …
  pid connection{};
  std::string_view message{}; ///< the text without what the other fields say; empty: the whole line
  std::string_view more{};    ///< members of a JSON object, without its braces

  /// Of the innermost scope on this thread, or null.
  static const log_fields*& current() noexcept {
    thread_local const log_fields* now = nullptr;
    return now;
  }
};

class log_scope {
 public:
  explicit log_scope(const log_fields& about) noexcept
      : about_(about), outer_(log_fields::current()) {
    log_fields::current() = &about_;
  }
  ~log_scope() { log_fields::current() = outer_; }
  log_scope(const log_scope&) = delete;
  log_scope& operator=(const log_scope&) = delete;

 private:
  log_fields about_;
  const log_fields* outer_;
};

} // namespace natterjack::hub
