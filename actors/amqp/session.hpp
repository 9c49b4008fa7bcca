// One TCP (or TLS) connection to the broker, logged in, and the requests made on it.
//
// Requests wait for their answer, a bounded time: this runs on the connection's own thread. What
// the broker says meanwhile is kept by the library for `next_frame`. Only .cpp files include this.
#pragma once

#include "actors/amqp/broker_options.hpp"
#include "actors/amqp/json_value.hpp"
#include "actors/amqp/rabbit.hpp"
#include "actors/amqp/topology.hpp"

#include <memory>

namespace natterjack::amqp {

class session {
 public:
  /// Connects and logs in.
  /// @throws broker_error  with the broker's or the system's words
  explicit session(const broker_options& options);
  /// Hangs up without a word; `close` is the polite way.
  ~session();
  session(const session&) = delete;
  session& operator=(const session&) = delete;

  amqp_connection_state_t raw() const noexcept { return state_; }
  int descriptor() const noexcept { return amqp_get_sockfd(state_); }
  /// Highest number of a channel that the broker takes.
  uint16_t channel_max() const noexcept {
    return static_cast<uint16_t>(amqp_get_channel_max(state_));
  }
  static constexpr uint16_t channel_max_wanted = 2047; // the default bound of RabbitMQ
  size_t frame_max() const noexcept { return static_cast<size_t>(amqp_get_frame_max(state_)); }

  /// Each throws broker_error; after a channel error the channel is closed and may be opened again.
  void open_channel(uint16_t channel);
  void close_channel(uint16_t channel) noexcept;
  void select_confirms(uint16_t channel);
  void declare(uint16_t channel, const exchange_options& exchange);
  /// @returns the queue's name, also when the broker made it
  std::string declare(uint16_t channel, const queue_options& queue);
  void delete_queue(uint16_t channel, const std::string& queue);
  void bind(uint16_t channel, const std::string& queue, const std::string& exchange,
            const std::string& routing_key);
  void consume(uint16_t channel, const std::string& queue, uint16_t prefetch, bool exclusive);

  /// Takes a frame that has come. @returns false when there is none
  bool next_frame(amqp_frame_t& frame);
  /// Some have come already and wait in the library.
  bool has_frames() const noexcept {
    return amqp_frames_enqueued(state_) != 0 || amqp_data_in_buffer(state_) != 0;
  }
  /// As `has_frames`, or they may wait in the TLS layer, which no poll sees.
  bool may_have_frames() const noexcept { return is_tls_ || has_frames(); }
  void release_buffers(uint16_t channel) noexcept {
    amqp_maybe_release_buffers_on_channel(state_, channel);
  }

  /// True if some tens of kilobytes can be written without waiting.
  bool is_writable() const noexcept;
  void acknowledge(uint16_t channel, uint64_t tag, bool multiple);
  void reject(uint16_t channel, uint64_t tag, bool requeue);
  /// Answers the broker's channel.close.
  void confirm_channel_closed(uint16_t channel);
  /// The error in a connection.close from the broker, which is answered.
  broker_error on_connection_close(const amqp_connection_close_t& method);

  /// Says goodbye; waits a second at most.
  void close() noexcept;

 private:
  void check(const char* doing);
  void check_status(int status, const char* doing) const;
  void connect(const broker_options& options);
  void log_in(const broker_options& options);

  amqp_connection_state_t state_;
  bool is_tls_;
};

} // namespace natterjack::amqp
