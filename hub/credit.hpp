// Bytes of a client's inbound budget that a message on its way still uses.
//
// A connection takes credit for each message it passes on and stops reading when its budget is used
// up. The credit comes back when the receiver takes the message, or when the message is destroyed
// unread; never by a garbage collector's whim.
#pragma once

#include <caf/intrusive_ptr.hpp>
#include <caf/ref_counted.hpp>

#include <atomic>
#include <cstddef>

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
      : source_(source.detach()), bytes_(bytes) {}
  credit(credit&& other) noexcept : source_(other.source_.exchange(nullptr)), bytes_(other.bytes_) {}
  credit& operator=(credit&&) = delete;
  ~credit() { give_back(); }

  explicit operator bool() const noexcept {
    return source_.load(std::memory_order_relaxed) != nullptr;
  }

  /// Idempotent, from any thread: receivers on several threads may share a message.
  void give_back() noexcept {
    if (!*this) // most messages have none: no write to a shared cache line
      return;
    if (auto* source = source_.exchange(nullptr, std::memory_order_acq_rel)) {
      source->give_back(bytes_);
      source->deref();
    }
  }

 private:
  std::atomic<credit_source*> source_{nullptr}; // one reference, if not null
  size_t bytes_ = 0;
};

} // namespace natterjack::hub
