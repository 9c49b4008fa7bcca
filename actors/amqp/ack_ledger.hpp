// Which deliveries of one consumer have been handed on, and so may be acknowledged.
//
//   add      in the order they came, on the connection's thread
//   settle   from any thread, in any order, when a delivery has been taken or given up
//   take     what the broker is to be told now: as few frames as possible
//
// One ledger belongs to one channel of one connection: after a reconnect there is a new one, and
// what is settled late at the old one is nobody's business any more (the broker has queued it
// again).
#pragma once

#include "hub/credit.hpp"

#include <atomic>
#include <deque>
#include <functional>
#include <mutex>
#include <vector>

namespace natterjack::amqp {

enum class verdict : uint8_t {
  open,    ///< not decided
  ack,     ///< handed on
  reject,  ///< thrown away, or to the queue's dead-letter exchange
  requeue, ///< somebody else may have it
};

class ack_ledger : public caf::ref_counted {
 public:
  struct step {
    verdict what;
    uint64_t tag;
    bool multiple; ///< acks this and all before it
  };

  /// @param on_settled  called from any thread after each `settle`, with how many the broker has
  /// not
  ///                    been told of; must be quick
  explicit ack_ledger(std::function<void(size_t)> on_settled)
      : on_settled_(std::move(on_settled)) {}

  /// @param tag  one more than that of the last
  void add(uint64_t tag, size_t bytes);
  /// The first word about a delivery counts.
  void settle(uint64_t tag, size_t bytes, verdict what) noexcept;
  std::vector<step> take();

  size_t outstanding_bytes() const noexcept { return bytes_.load(std::memory_order_relaxed); }
  size_t outstanding() const noexcept { return open_.load(std::memory_order_relaxed); }
  /// Settled, but the broker has not been told.
  size_t settled() const noexcept { return settled_.load(std::memory_order_relaxed); }

 private:
  enum class state : uint8_t { open, ack, reject, requeue, told };
  std::function<void(size_t)> on_settled_;
  std::mutex mutex_;
  std::deque<state> states_; // of first_tag_, first_tag_ + 1, …
  uint64_t first_tag_ = 1;
  std::atomic<size_t> bytes_{0};
  std::atomic<size_t> open_{0};
  std::atomic<size_t> settled_{0};
};

/// The right to settle one delivery. As a message's credit it acknowledges when the receiver takes
/// the message, or when nobody is left to.
class delivery_token final : public hub::credit_source {
 public:
  delivery_token(caf::intrusive_ptr<ack_ledger> ledger, uint64_t tag, size_t bytes) noexcept
      : ledger_(std::move(ledger)), tag_(tag), bytes_(bytes) {}
  ~delivery_token() override { settle(verdict::ack); }

  void settle(verdict what) noexcept {
    if (!settled_.exchange(true))
      ledger_->settle(tag_, bytes_, what);
  }
  void give_back(size_t) noexcept override { settle(verdict::ack); }

 private:
  caf::intrusive_ptr<ack_ledger> ledger_;
  uint64_t tag_;
  size_t bytes_;
  std::atomic<bool> settled_{false};
};

using delivery_token_ptr = caf::intrusive_ptr<delivery_token>;

} // namespace natterjack::amqp
