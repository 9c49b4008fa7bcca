// Our own frames on a socket, so that a client who says nothing holds a few hundred bytes, compressed
// connections included.
//
//   state       how it is told                 goes on when
//   open        none of the below              -
//   closing     closing_: our close frame      the client's close frame, or close_wait -> lingering
//               stands in the outbox
//   ending      ending_: the client ends, or   all it has asked is answered, or answer_wait x answer_waits
//               must; answers are waited for   -> lingering, behind our close frame
//   lingering   lingering_: the owner knows,   the outbox is empty -> output_shut_; then the client's FIN,
//               and lets go                    or linger_wait -> closed
//   closed      descriptor_ < 0                freed with its last holder
//
//   frame_transport.cpp       accept, send, what comes
//   frame_transport_end.cpp   from closing on
#pragma once

#include "relay/rare_timer.hpp"
#include "relay/socket_watch.hpp"
#include "relay/websocket/frame_reader.hpp"
#include "relay/websocket/transport.hpp"

#include <memory>

namespace natterjack::relay {

class frame_transport final : public ws_transport,
                              public outbox_owner,
                              public frame_sink,
                              public socket_owner,
                              public std::enable_shared_from_this<frame_transport> {
 public:
  frame_transport(io_thread& thread, stream_socket&& socket, const gateway_limits& limits,
                  std::string_view leftover, std::shared_ptr<void> place, deflate_terms deflate);
  ~frame_transport() override { release_socket(); }

  void accept(const http_request& upgrade, const header_list& extra,
              caf::strong_actor_ptr owner_actor, ws_owner& owner) override;
  void read() override;
  int deflate_bits() const noexcept override { return deflate_bits_; }
  outbox::admitted send(hub::shared_bytes frames, size_t messages) override;
  void send_ping() override;
  void close(uint16_t code, std::string_view reason) override;
  void close_now(uint16_t code, std::string_view reason) override;
  void abort() override;
  size_t outbox_bytes() const noexcept override { return box_.bytes(); }
  uint64_t dropped() const noexcept override { return box_.dropped(); }
  bool is_draining() noexcept override { return box_.is_draining(); }
  bool peer_is_gone() const noexcept override;

 private:
  // What is sent last, once the client's questions have been answered.
  struct ending {
    hub::shared_bytes close_frame;
    ws_end end;
    uint8_t waits;     // of answer_wait, so far
    bool is_looked_at; // a look for the last answer is queued
  };

  // -- outbox
  void on_outbox_blocked() override;
  void on_outbox_drained() override;
  void on_outbox_failed() override;
  void on_outbox_slow() override;

  // -- socket
  void on_socket_event(uint32_t events) override;
  bool wants_bytes() const noexcept { return (wants_message_ || closing_) && owner_ != nullptr; }
  void read_on();
  void wait_for_bytes();
  void read_later();
  ssize_t receive() noexcept;
  void take_bytes();

  // -- frames
  bool on_message(bool is_text, std::string_view body) override;
  void on_ping(std::string_view body) override;
  void on_pong() override;
  void on_close_frame(uint16_t code, std::string_view reason) override;
  void on_mistake(uint16_t code, std::string_view what) override;

  // -- the end
  void end_with(hub::shared_bytes close_frame, ws_end end);
  void look_for_answers();
  void conclude();
  void set_deadline(std::chrono::nanoseconds wait);
  void on_deadline();
  void finish(ws_end end);
  void shut_down_output();
  void read_to_end();
  void close_socket();
  void release_socket() noexcept;

  io_thread& thread_;
  std::shared_ptr<void> place_; // keeps the gateway, and with it the limits
  socket_watch& watch_;
  outbox box_;
  frame_reader reader_;
  caf::strong_actor_ptr owner_actor_;
  ws_owner* owner_ = nullptr;
  rare_timer deadline_;
  std::unique_ptr<ending> ending_;
  int descriptor_ = -1;  // -1: closed
  uint8_t deflate_bits_; // offered at first, then agreed to
  bool deflate_keeps_context_ : 1;
  bool wants_message_ : 1 = false;
  bool has_bytes_ : 1 = false;   // as far as we know
  bool has_end_ : 1 = false;     // behind them
  bool reads_later_ : 1 = false; // is posted
  bool in_reader_ : 1 = false;
  bool waiting_write_ : 1 = false;
  bool closing_ : 1 = false;   // our close frame is queued
  bool broken_ : 1 = false;    // bytes make no sense any more
  bool lingering_ : 1 = false; // the owner has been told of the end
  bool output_shut_ : 1 = false;
  bool client_has_closed_ : 1 = false; // with a frame
};

} // namespace natterjack::relay
