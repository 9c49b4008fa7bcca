// The bytes of one HTTP connection, plain or through TLS, on a non-blocking socket.
//
//   call        gives                             may say
//   handshake   ready once it says `ok`           want_read, want_write, failed
//   read        bytes                             want_read, want_write, closed, failed
//   write       how many were taken               want_read, want_write, failed
//   send_file   the same, from a descriptor       as write
//   peek        is there something to read?       ok: yes; want_read: no; closed, failed
//   sealed      how much of what it was offered a write that said `want_...` sends all the same: that
//               must be offered again, first and unchanged
//   release     the socket itself: for a protocol that takes the connection over. Of TLS it is a local
//               one, and a pump goes on between the two
//
// Nothing waits here: whoever hears `want_...` waits for the socket and calls again.
#pragma once

#include "relay/io_thread.hpp"
#include "relay/stream_socket.hpp"

#include <memory>
#include <span>
#include <string_view>

namespace natterjack::relay {

class tls_context;

class http_wire {
 public:
  enum class state : uint8_t { ok, want_read, want_write, closed, failed };
  struct result {
    state what = state::ok;
    size_t bytes = 0;
  };

  explicit http_wire(stream_socket&& socket) : socket_(std::move(socket)) {}
  virtual ~http_wire() = default;

  virtual state handshake() { return state::ok; }
  virtual result read(char* to, size_t size) = 0;
  virtual result write(std::span<const std::string_view> parts) = 0;
  virtual result send_file(int descriptor, size_t offset, size_t size) = 0;
  virtual state peek() = 0;
  /// No more will be written.
  virtual void shut_down() = 0;
  virtual bool is_secure() const noexcept = 0;
  /// @param place  held by the pump, if there is one
  /// @throws std::exception  there can be no pump: the wire is as it was
  virtual stream_socket release(io_thread& thread, std::shared_ptr<void> place) = 0;
  virtual size_t sealed() const noexcept { return 0; }

  /// The peer has hung up or reset, seen without reading what it sent before.
  bool peer_is_gone() noexcept;
  stream_socket& socket() noexcept { return socket_; }

 protected:
  stream_socket socket_;
};

std::unique_ptr<http_wire> make_plain_wire(stream_socket socket);
/// @throws std::runtime_error  no memory for another TLS session
std::unique_ptr<http_wire> make_tls_wire(stream_socket socket, const tls_context& context);

} // namespace natterjack::relay
