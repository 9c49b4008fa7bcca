// One websocket as its owner sees it: messages in, frames out, one end.
//
//   owner calls   accept       once, with the upgrade request
//                 read         for one more message; not called, the kernel's window slows the client
//                 send         frames for the outbox
//                 close        once; later calls do nothing
//   owner hears   on_open      the 101 is in the outbox
//                 on_message   once for each `read`
//                 on_drained   the outbox is empty again
//                 on_closed    exactly once, last
//
// All on one io thread. The transport keeps its owner alive from `accept` to `on_closed`.
#pragma once

#include "hub/shared_bytes.hpp"
#include "relay/http/exchange.hpp"
#include "relay/io_thread.hpp"
#include "relay/limits.hpp"
#include "relay/outbox.hpp"
#include "relay/stream_socket.hpp"
#include "relay/websocket/deflate_offer.hpp"

#include <memory>
#include <string>
#include <string_view>

namespace natterjack::relay {

enum class message_kind : uint8_t { text, binary };

/// How a connection ended, from the client's side.
struct ws_end {
  bool clean = false;  ///< a close frame came
  uint16_t code = 0;   ///< of the client's close frame; 0 if none, 1005 if it had no code
  std::string reason;
};

class ws_owner {
 public:
  virtual void on_open() = 0;
  /// @param body  valid during the call only; text is valid UTF-8
  virtual void on_message(message_kind kind, std::string_view body) = 0;
  virtual void on_pong() {}
  virtual void on_drained() {}
  /// The client ends: may frames still come that answer what it said before? They are waited for a moment.
  virtual bool owes_answers() const { return false; }
  /// Some of what the client said has not been taken by its hub yet.
  virtual bool has_unheard() const { return false; }
  virtual void on_closed(const ws_end& end) = 0;
  /// The client broke a bound: the owner answers with `close`.
  virtual void on_message_too_big() = 0;
  virtual void on_not_utf8() = 0;
  virtual void on_slow() = 0;

 protected:
  ~ws_owner() = default;
};

class ws_transport {
 public:
  virtual ~ws_transport() = default;

  /// Answers the handshake.
  /// @param extra  further headers of the 101, such as a subprotocol
  virtual void accept(const http_request& upgrade, const header_list& extra,
                      caf::strong_actor_ptr owner_actor, ws_owner& owner) = 0;
  virtual void read() = 0;
  /// From `on_open` on: window bits of the frames that may be sent compressed; 0: none may be.
  virtual int deflate_bits() const noexcept = 0;
  /// @param messages  in `frames`, for the count of dropped ones
  virtual outbox::admitted send(hub::shared_bytes frames, size_t messages = 1) = 0;
  virtual void send_ping() = 0;
  /// Queues a close frame behind what is queued, waits for the client's answer a bounded time.
  virtual void close(uint16_t code, std::string_view reason) = 0;
  /// As close, but throws away what a client that does not read has queued.
  virtual void close_now(uint16_t code, std::string_view reason) = 0;
  /// Ends without a close frame: the client is gone.
  virtual void abort() = 0;
  virtual size_t outbox_bytes() const noexcept = 0;
  virtual uint64_t dropped() const noexcept = 0;
  /// True if the peer has hung up or reset, seen without reading what it sent before.
  virtual bool peer_is_gone() const noexcept = 0;
  /// The socket is full, but the client has read some of what was queued since this was last asked.
  virtual bool is_draining() noexcept = 0;
};

/// @param leftover     bytes that came behind the request head
/// @param place        the gateway's count of connections, held as long as the socket
/// @param deflate      what is agreed to of permessage-deflate (RFC 7692)
std::shared_ptr<ws_transport> make_ws_transport(io_thread& thread,
                                                stream_socket socket,
                                                const gateway_limits& limits,
                                                std::string_view leftover,
                                                std::shared_ptr<void> place,
                                                deflate_terms deflate = {});

} // namespace natterjack::relay
