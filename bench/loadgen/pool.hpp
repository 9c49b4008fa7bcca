// The clients: sockets, handshakes and frames of all connections, served by one epoll loop.
#pragma once

#include "inflater.hpp"
#include "options.hpp"
#include "wire.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::bench {

enum class stage : uint8_t { closed, connecting, upgrading, open, closing };

struct connection {
  int fd = -1;
  uint32_t index = 0;
  uint32_t generation = 0; ///< tells events of an earlier socket in this place
  stage at = stage::closed;
  bool reading = true;  ///< false: never read again (a slow reader)
  bool writing = false; ///< waits for writability
  bool dirty = false;   ///< has output that was not yet offered to the kernel
  uint16_t close_code = 0;
  uint64_t sent = 0;     ///< stamped messages
  uint64_t received = 0; ///< stamped messages
  int64_t started = 0;   ///< when connect() was called
  std::string in;        ///< begin of what is not complete
  std::string out;       ///< not yet taken by the kernel
};

/// What a mode wants to hear of its connections.
class listener {
 public:
  virtual ~listener() = default;
  virtual void opened(connection&, int64_t) {}
  virtual void stamped(connection&, int64_t stamp, int64_t arrival, size_t size) = 0;
  virtual void other(connection&) {}
  virtual void ended(connection&) = 0;
};

/// All sockets of the run and the loop that serves them.
class pool {
 public:
  pool(const options& with, listener& to);
  ~pool();
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  std::vector<connection>& connections() { return connections_; }

  /// Starts connecting; listener::opened follows, or the run fails.
  /// @param receive_buffer  bytes, 0 leaves the kernel's choice
  void open(connection& c, int receive_buffer = 0);

  /// Queues a stamped text; it leaves at the end of the current event.
  void send_text(connection& c, char topic, int64_t stamp);

  /// Queues what a dialect says beside the measured texts: a call of pow-1, a command of centrifuge.
  void send_command(connection& c, std::string_view json) {
    send_control(c, options_.speaks == dialect::pow ? 2 : 1, json);
  }

  /// Sends a close frame; listener::ended follows when the server has closed its side.
  void start_close(connection& c);

  /// While it is off nothing is read from this connection; its end is still noticed.
  void set_reading(connection& c, bool on);

  /// Takes what is there of a connection whose reading is off.
  void read_waiting(connection& c) {
    if (c.fd >= 0)
      read(c);
  }

  /// Closes the socket at once, without a word to the listener.
  void drop(connection& c);

  /// Offers everything queued to the kernel.
  void flush();

  /// Waits at most `wait_ms` for events and serves them.
  void turn(int wait_ms);

 private:
  [[noreturn]] static void fail(const char* what);
  void resolve();
  static void require_descriptors(uint32_t connections);
  /// Spreads connections over 127.0.0.1, .2, ...: one address has about 28,000 ports.
  void bind_source(int fd);
  uint32_t next_mask();
  void arm(connection& c, int operation);
  void mark_dirty(connection& c);
  void send_control(connection& c, uint8_t opcode, std::string_view body);
  void serve(connection& c, uint32_t events);
  void write(connection& c);
  void read(connection& c);
  /// Handles every complete head and frame. @returns octets used
  size_t digest(connection& c, std::string_view data, int64_t arrival);
  void check_response(std::string_view head);
  void frame(connection& c, const frame_head& head, std::string_view body, int64_t arrival);
  void end(connection& c);

  const options& options_;
  listener& listener_;
  const bool splits_lines_; ///< a frame may hold several messages
  int epoll_ = -1;
  sockaddr_storage address_{};
  socklen_t address_size_ = 0;
  std::vector<connection> connections_;
  std::vector<uint32_t> dirty_;
  std::vector<char> buffer_;
  std::string request_;
  inflater inflater_;
  uint64_t opened_ = 0;
  uint32_t mask_ = 0x9e3779b9;
  int64_t limit_ = 0;
};

} // namespace natterjack::bench
