// A websocket to another server, on an io thread.
//
//   open, options, events     on_open once, or on_close with the reason there is none
//   send, bytes, binary?      queued; sent in order
//   close, code, reason       the closing handshake; on_close follows
//   ping                      a ping frame
//
//   events   on_open, then on_message…, then on_close exactly once; on an io thread
//   bounds   `message_max` bytes a message; `queue_max` bytes that wait to be sent; `unheard` messages and
//            `unheard_bytes` whose credit is not given back: then nothing is read, and the server waits
#pragma once

#include "hub/credit.hpp"
#include "relay/http/client.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::relay {

struct socket_options {
  std::string url;
  header_list headers;
  std::vector<std::string> protocols;
  std::chrono::nanoseconds dial_timeout{std::chrono::seconds(30)};
  size_t message_max = 16u << 20;
  size_t queue_max = 64u << 20;
  size_t unheard = 64;
  size_t unheard_bytes = 1u << 20; ///< one message alone may be larger
  client_tls tls;
};

struct socket_events {
  std::function<void(std::string protocol)> on_open;
  std::function<void(std::string bytes, bool is_binary, hub::credit)> on_message;
  std::function<void(unsigned code, std::string reason)> on_close; ///< code 0: never was open
};

class websocket_client {
 public:
  virtual ~websocket_client() = default;
  /// @returns false if it is closed, or too much waits to be sent
  virtual bool send(std::string bytes, bool is_binary, std::function<void(bool)> done) = 0;
  virtual void ping() = 0;
  virtual void close(unsigned code, std::string reason) = 0;

  static std::shared_ptr<websocket_client> open(io_pool& threads, socket_options options,
                                                socket_events events);
};

} // namespace natterjack::relay
