// Bytes of a client's inbound budget that a message on its way still uses.
//
// A connection takes credit for each message it passes on and stops reading when its budget is used
// up. The credit comes back when the receiver takes the message, or when the message is destroyed
// unread; never by a garbage collector's whim.
#pragma once

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <cstddef>
#include <utility>

namespace natterjack::hub {

class credit_source : public caf::ref_counted {
 public:
  /// Called from any thread, once for each credit.
  virtual void give_back(size_t bytes) noexcept = 0;
};

class credit {
 public:
  credit() noexcept = default;
  credit(caf::intrusive_ptr<credit_source> source, size_t bytes) noexcept
      : source_(std::move(source)), bytes_(bytes) {}
  credit(credit&&) noexcept = default;
  credit& operator=(credit&&) noexcept = default;
  ~credit() { give_back(); }

  explicit operator bool() const noexcept { return source_ != nullptr; }

  /// Idempotent.
  void give_back() noexcept {
    if (auto source = std::exchange(source_, nullptr))
      source->give_back(bytes_);
  }

 private:
  caf::intrusive_ptr<credit_source> source_;
  size_t bytes_ = 0;
};

} // namespace natterjack::hub
