// One client's websocket, as pow-1 wants it: whole messages in, frames out, closing to the letter.
//
//   client breaks            it gets             then
//   message_bytes            close 1009          what comes is dropped, TCP closed after a bounded wait
//   UTF-8 of a text          close 1007          as above
//   frame rules              close 1002, reason  as above
//   silence for read_time    close 1001          as above
//   a write for write_time   nothing             TCP closed
//
//   a close frame of the client is answered with its code and no reason, then TCP is closed at once
//   reads into one buffer a thread: a client that says nothing holds no buffer
//
// Why not the relay's transport: its close frames carry the dialects' codes, it answers an empty close
// with 1000, and a job's session should not hold 2.5 kB of parser. All on one io thread.
#pragma once

#include "actors/pow/frame_parser.hpp"
#include "relay/http/socket_route.hpp"
#include "relay/outbox.hpp"

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

namespace natterjack::pow {

struct stream_limits {
  size_t message_bytes = 2048;                             ///< one message from the client
  size_t output_bytes = 256 << 10;                         ///< queued for the client before a job waits
  std::chrono::nanoseconds read_time = std::chrono::seconds(60);  ///< without a message or pong
  std::chrono::nanoseconds ping_interval = std::chrono::seconds(54);
  std::chrono::nanoseconds write_time = std::chrono::seconds(10); ///< without progress
  std::chrono::nanoseconds close_time = std::chrono::seconds(3);  ///< for the client's close frame
};

class stream_owner {
 public:
  /// @param body  valid during the call only; text is valid UTF-8
  virtual void on_text(std::string_view body) = 0;
  virtual void on_binary(std::string_view body) = 0;
  /// The outbox has room again after `has_room` was false.
  virtual void on_room() = 0;
  /// The client left, was lost, or broke a rule. Not called after `close` or `abort`.
  virtual void on_gone() = 0;

 protected:
  ~stream_owner() = default;
};

class frame_stream final : public relay::outbox_owner,
                           public frame_sink,
                           public std::enable_shared_from_this<frame_stream> {
 public:
  frame_stream(relay::taken_socket taken, stream_limits limits);

  /// Answers the handshake and reads; keeps `owner` alive until its part is over.
  void open(std::string_view response_head, std::shared_ptr<stream_owner> owner);

  /// One message. @pre `body` is valid UTF-8
  void send_text(std::string_view body) { send(relay::opcode::text, body); }
  void send_binary(std::string_view body) { send(relay::opcode::binary, body); }
  bool has_room() const noexcept { return outbox_.bytes() < limits_.output_bytes; }

  /// The client is not read, so that it is slowed down; what has arrived is still handed over. It is
  /// sent a pong now and then meanwhile: that is how its end is noticed behind what it could not send.
  void pause() noexcept;
  void resume();

  /// Hands over what has arrived already. For time-outs: a busy thread may find the time over and the
  /// message there in the same moment, and then the message was in time.
  void read_arrived();

  /// Close frame with an empty reason behind what is queued, then the closing handshake.
  void close(uint16_t code);
  /// TCP is closed, without a word.
  void abort();

 private:
  enum class phase : uint8_t {
    open,    // messages go to the owner
    closing, // our close frame is out, the client's is awaited; messages are dropped
    broken,  // our close frame is out, frames make no sense any more: bytes are dropped
    closed,
  };
  void on_outbox_blocked() override;
  void on_outbox_drained() override;
  void on_outbox_failed() override;
  void on_outbox_slow() override {}

  void send(relay::opcode op, std::string_view body);
  void send_close(uint16_t code, std::string_view reason);
  void wait_readable();
  void on_readable();
  bool read_once();
  void on_message(relay::opcode op, std::string_view body) override;
  void on_control(relay::opcode op, std::string_view payload) override;
  void on_mistake(uint16_t code, std::string_view what) override;
  void answer_ping(hub::shared_bytes pong);
  void on_close_frame(std::string_view payload);
  void fail(uint16_t code, std::string_view reason);
  void part();
  void lost();
  void shut_down_output();
  void close_when_sent();
  void close_socket();
  void watch_output();
  void look_for_hang_up();
  void on_ping_time();
  void on_silence();

  relay::io_thread& thread_;
  boost::asio::ip::tcp::socket socket_;
  std::shared_ptr<void> place_;
  stream_limits limits_;
  relay::outbox outbox_;
  std::shared_ptr<stream_owner> owner_;
  frame_parser parser_;
  phase phase_ = phase::open;
  uint8_t hang_ups_seen_ = 0;
  bool paused_ = false;
  bool waiting_read_ = false;
  bool waiting_write_ = false;
  bool was_full_ = false;
  bool close_when_drained_ = false;
  std::chrono::steady_clock::time_point heard_;
  relay::timer_wheel::timer ping_timer_;
  relay::timer_wheel::timer silence_timer_;
  relay::timer_wheel::timer write_timer_;
  relay::timer_wheel::timer deadline_;
  relay::timer_wheel::timer watch_timer_;
};

} // namespace natterjack::pow
