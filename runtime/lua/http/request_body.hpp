// The body of a request as the function that answers sees it while it comes: `http_request::incoming`.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

class request_body {
 public:
  /// Takes in what has come. Afterwards `here`, `has_ended` and `failure` are up to date.
  void collect(const relay::http_request& request);

  std::string_view here() const noexcept { return std::string_view(bytes_).substr(offset_); }
  /// These many bytes were read, and are of no further interest.
  void consume(size_t bytes) {
    consumed_ = true;
    offset_ += bytes;
    if (offset_ >= bytes_.size()) {
      bytes_.clear();
      offset_ = 0;
    }
  }
  /// Some of it was read as a stream: it cannot be had as a whole any more.
  bool is_consumed() const noexcept { return consumed_; }
  /// Nothing more comes.
  bool has_ended() const noexcept { return ended_; }
  bool has_failed() const noexcept { return failed_; }
  /// Why, as a status of HTTP; 0: it was cut off.
  unsigned failure() const noexcept { return failure_; }

 private:
  std::string bytes_;
  size_t offset_ = 0;
  bool consumed_ = false;
  bool ended_ = false;
  bool failed_ = false;
  unsigned failure_ = 0;
};

} // namespace natterjack::runtime::lua
