// What waits to be written to one client: a queue of shared blocks, bounded in bytes.
//
//   push        result     when
//   data        queued     within bounds
//               dropped    the policy says so
//               overflow   the policy is `close`: the client is a slow consumer
//   control     -          always; a waiting pong is replaced by the newer one, nothing follows a close
//
//   data    is written at once if nothing waits before it and nothing can come behind it in this turn
//   batch   where a `batch_writer` is open, lone blocks of many outboxes are written together; the outbox
//           hears of it in the same turn
//   abandon before the descriptor is closed
//   flush   one send for one block or for small ones laid end to end, else one gathered write, until all
//           is written or the socket is full
#pragma once

#include "hub/shared_bytes.hpp"
#include "relay/frame.hpp"
#include "relay/io_thread.hpp"
#include "relay/limits.hpp"
#include "relay/rare_timer.hpp"

#include <utility>
#include <vector>

namespace natterjack::relay {

/// What an outbox tells its owner, always on the io thread.
class outbox_owner {
 public:
  virtual void on_outbox_blocked() = 0; ///< call `flush` when the socket is writable
  virtual void on_outbox_drained() = 0;
  virtual void on_outbox_failed() = 0; ///< the socket is gone
  virtual void on_outbox_slow() = 0;   ///< above the soft bound for too long, policy `close`

 protected:
  ~outbox_owner() = default;
};

class outbox final : public flushable {
 public:
  enum class admitted : uint8_t { queued, dropped, overflow };

  /// @param descriptor  of a non-blocking stream socket that outlives this
  outbox(io_thread& thread, const gateway_limits& limits, int descriptor, outbox_owner& owner);
  ~outbox() override;

  /// @param messages  in `frames`, for the count of dropped ones
  admitted push_data(hub::shared_bytes frames, size_t messages = 1);
  /// Handshake bytes and other raw output, never dropped.
  void push_raw(hub::shared_bytes bytes);
  void push_control(opcode op, hub::shared_bytes frame);
  /// Throws away what has not begun to be written, so that a close frame gets through soon.
  void drop_data();
  void flush() override;
  /// Nothing more is written, and nobody is told: to be called before the descriptor is closed, since the
  /// next socket may get its number.
  void abandon() noexcept;
  /// What became of a write handed to a `batch_writer`. @param result  as of send, or a negative errno
  void on_batch_written(hub::shared_bytes bytes, size_t messages, long result);

  size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return bytes_ == 0; }
  bool close_queued() const noexcept { return close_queued_; }
  uint64_t dropped() const noexcept { return dropped_; }
  /// The socket is full, and something has been written to it since this was asked last: the peer reads.
  bool is_draining() noexcept { return std::exchange(has_moved_, false) && blocked_; }

 private:
  struct block {
    hub::shared_bytes bytes;
    uint32_t messages; // 0: no data
    bool is_pong;
  };
  enum class batch_state : uint8_t {
    none,
    direct, // a block that is not in the queue is being written
    queued, // the first of the queue is
  };
  void append(hub::shared_bytes bytes, size_t messages, bool is_pong);
  bool pong_waits() const noexcept;
  void forget_written();
  bool drop_oldest_data(size_t until_bytes);
  void watch_soft_bound();
  void soft_time_is_over();
  /// @returns bytes written, or on their way
  size_t write_at_once(const hub::shared_bytes& frames, size_t messages);
  void flush_rest();
  bool head_has_begun() const noexcept { return offset_ != 0 || batch_ == batch_state::queued; }
  void advance(size_t written) noexcept;
  long write_some(size_t& offered) noexcept;

  io_thread& thread_;
  const gateway_limits& limits_;
  outbox_owner& owner_;
  int descriptor_;
  bool close_queued_ = false;
  bool blocked_ = false;
  bool failed_ = false;
  batch_state batch_ = batch_state::none;
  bool over_time_ = false; // above the soft bound for longer than allowed
  bool has_moved_ = false;
  uint32_t pong_ = 0; // where one waits, if the block there is one
  std::vector<block> queue_;
  size_t head_ = 0;   // first block not completely written
  size_t offset_ = 0; // bytes of it that are
  size_t bytes_ = 0;
  uint64_t dropped_ = 0;
  rare_timer soft_timer_;
};

} // namespace natterjack::relay
