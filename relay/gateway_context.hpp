// What all connections of one gateway share.
#pragma once

#include "hub/node.hpp"
#include "relay/limits.hpp"

#include <atomic>
#include <memory>

namespace natterjack::relay {

struct gateway_context {
  gateway_context(hub::node& home, const hub::host_name* name, gateway_limits bounds)
      : node(home), host(name), limits(bounds) {}

  hub::node& node;
  const hub::host_name* host; ///< the http.service's entry id: second part of connection PIDs
  gateway_limits limits;
  std::atomic<size_t> connections{0}; ///< sockets open, HTTP and websocket
  std::atomic<size_t> idle{0};        ///< those of them that wait for an HTTP request
  std::atomic<bool> draining{false};
};

/// Counts one socket of a gateway for as long as it lives.
class connection_place {
 public:
  explicit connection_place(std::shared_ptr<gateway_context> gateway) noexcept
      : gateway_(std::move(gateway)) {
    ++gateway_->connections;
  }
  ~connection_place() { --gateway_->connections; }
  connection_place(const connection_place&) = delete;
  connection_place& operator=(const connection_place&) = delete;

 private:
  std::shared_ptr<gateway_context> gateway_;
};

} // namespace natterjack::relay
