// One queue we consume from, with all it needs on the broker, as long as the connection object lives.
//
//   handler         when                                              thread
//   on_ready        declared and consuming, also after a reconnect    the connection's
//   on_delivery     a message; the token settles it                   the connection's
//   on_lost         no longer consuming; it will be tried again       the connection's
//
//   states   absent -> consuming -> absent …; after a refusal (name taken, other flags) it is
//            tried again with a growing pause
#pragma once

#include "actors/amqp/broker_options.hpp"
#include "actors/amqp/delivery.hpp"
#include "actors/amqp/topology.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

struct amqp_frame_t_;

namespace natterjack::amqp {

class session;

struct consumer_handlers {
  std::function<void(const std::string& queue)> on_ready;
  std::function<void(const delivery&, delivery_token_ptr)> on_delivery;
  /// @param code  the broker's; 0: the connection was lost
  std::function<void(const std::string& why, int code)> on_lost;
};

class consumer {
 public:
  using clock = std::chrono::steady_clock;

  /// @param on_settled  called from any thread when deliveries have been settled
  consumer(uint16_t channel, topology wanted, consumer_handlers handlers,
           std::function<void(bool many)> on_settled, const broker_options& bounds);
  ~consumer();

  uint16_t channel() const noexcept { return channel_; }
  const topology& wanted() const noexcept { return wanted_; }
  bool is_consuming() const noexcept { return ledger_ != nullptr; }
  size_t outstanding_bytes() const noexcept { return ledger_ ? ledger_->outstanding_bytes() : 0; }
  size_t outstanding() const noexcept { return ledger_ ? ledger_->outstanding() : 0; }
  size_t settled() const noexcept { return ledger_ ? ledger_->settled() : 0; }

  // -- the connection's thread

  /// Declares, binds, consumes.
  /// @throws broker_error  on_lost has been told of a channel error, and `retry_at` is set
  void start(session& wire);
  /// Declares and binds once more while consuming: what is there already stays as it is.
  void declare(session& wire);
  clock::time_point retry_at() const noexcept { return retry_at_; }
  /// A frame of this channel. @returns the broker's reason if the channel or the consumer has ended
  void on_frame(session& wire, const amqp_frame_t_& frame);
  /// Tells the broker what has been settled.
  void acknowledge(session& wire);
  /// True if enough is settled, or old enough, to tell the broker.
  bool should_acknowledge(clock::time_point now) const noexcept;
  clock::time_point last_delivery() const noexcept { return last_delivery_; }
  /// Stops consuming. An exclusive queue goes, so that others may have its name; the broker gets
  /// back what was not settled.
  void withdraw(session& wire);
  /// The connection is gone.
  void on_lost(const std::string& why, int code);
  /// As far as the channel goes, also for one that does not consume: nobody waits for a word on it.
  void forget_channel() noexcept { close_pending_ = false; }

 private:
  struct assembly; // of the message that is coming in

  void make_topology(session& wire);
  void on_method(session& wire, const amqp_frame_t_& frame);
  void on_header(session& wire, const amqp_frame_t_& frame);
  void on_body(session& wire, const amqp_frame_t_& frame);
  void hand_over(std::string_view body);

  /// So many acks are worth a frame at once.
  size_t many() const noexcept { return wanted_.prefetch < 8 ? 1 : wanted_.prefetch / 4U; }

  uint16_t channel_;
  topology wanted_;
  std::string queue_; // its name on the broker
  consumer_handlers handlers_;
  std::function<void(bool)> on_settled_;
  const broker_options& bounds_;
  caf::intrusive_ptr<ack_ledger> ledger_; // while consuming
  std::unique_ptr<assembly> coming_;
  clock::time_point retry_at_{}; // at once
  std::chrono::milliseconds retry_pause_{0};
  clock::time_point last_delivery_{};
  clock::time_point last_ack_{};
  bool close_pending_ = false; // the broker closed the channel and waits for our word
};

} // namespace natterjack::amqp
