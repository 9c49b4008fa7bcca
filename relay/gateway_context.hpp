// What all connections of one gateway share.
#pragma once

#include "hub/node.hpp"
#include "relay/limits.hpp"

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace natterjack::relay {

class router;
class tls_context;

struct gateway_context {
  gateway_context(hub::node& home, const hub::host_name* name, gateway_limits bounds)
      : node(home), host(name), limits(bounds) {}

  hub::node& node;
  const hub::host_name* host; ///< the http.service's entry id: second part of connection PIDs
  gateway_limits limits;
  bool websockets_only = false; ///< see gateway_options
  std::atomic<std::shared_ptr<const tls_context>> tls; ///< null: plain; else for the next client
  std::atomic<size_t> connections{0}; ///< sockets open, HTTP and websocket
  std::atomic<size_t> idle{0};        ///< those of them that wait for an HTTP request
  std::atomic<bool> draining{false};
  std::atomic<std::shared_ptr<const router>> routes; ///< the latest; requests look at their beginning

  // Counted by the accepting thread.
  std::atomic<uint64_t> accepted{0};
  std::atomic<uint64_t> refused_full{0};    ///< by `connections`
  std::atomic<uint64_t> refused_address{0}; ///< by `connections_per_address`

  // Only looked at when `connections_per_address` is set.
  std::mutex address_mutex;
  std::map<std::string, size_t> by_address;
};

/// Counts one socket of a gateway for as long as it lives.
class connection_place {
 public:
  /// @param of_address  how many this address has; null unless connections are counted by address
  connection_place(std::shared_ptr<gateway_context> gateway,
                   std::map<std::string, size_t>::value_type* of_address);
  ~connection_place();
  connection_place(const connection_place&) = delete;
  connection_place& operator=(const connection_place&) = delete;

  /// Takes a place within both limits. @returns null if the gateway, or this address, has no more
  static std::shared_ptr<connection_place> take(const std::shared_ptr<gateway_context>& gateway,
                                                const std::string& address);

 private:
  std::shared_ptr<gateway_context> gateway_;
  std::map<std::string, size_t>::value_type* of_address_;
};

} // namespace natterjack::relay
