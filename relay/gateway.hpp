// One address that clients connect to: accepts, counts, hands over to HTTP sessions.
//
//   /healthz   200 while the process lives
//   /readyz    200 when all is started and no shutdown has begun, else 503
//
//   states     made -> accepting -> draining -> stopped
//   when descriptors run out, accepting pauses for a moment instead of spinning
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/http/router.hpp"
#include "relay/http/tls_context.hpp"
#include "relay/io_pool.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::relay {

struct gateway_options {
  std::string entry_id;            ///< of the http.service
  std::string address = "127.0.0.1"; ///< IPv4 or IPv6 address without brackets, or a name
  uint16_t port = 8082;            ///< 0: a free one
  gateway_limits limits;
  std::optional<tls_options> tls; ///< set: HTTPS and wss alone
  /// Every path is the websocket route at "/", with any Host or none; whatever is wrong with a
  /// handshake is 400, and every HTTP answer ends its connection.
  bool websockets_only = false;
};

class gateway {
 public:
  gateway(hub::node& node, io_pool& threads, gateway_options options);
  ~gateway();

  /// Routes to fill before `open`, which adds /healthz and /readyz unless they are there, and makes
  /// them the ones that answer.
  router& routes() noexcept;
  /// Puts an empty table beside the one that answers: `routes` gives that one from now on.
  void begin_routes();
  /// The table of `begin_routes` answers from the next request on. Thread-safe.
  void publish_routes();

  /// Binds and listens, but does not accept yet.
  /// @throws std::system_error   what() names address and cause; a name that nobody knows is one
  /// @throws std::runtime_error  certificate or key cannot be used
  void open();
  void accept();
  /// Clients that connect from now on are shown this one. Thread-safe.
  /// @returns false if it is the same, or the gateway was opened without TLS
  bool use_certificate(std::shared_ptr<const tls_context> renewed);
  /// Who decides about /readyz; called on io threads.
  void set_ready(std::function<bool()> is_ready);

  std::string url() const; ///< "http://127.0.0.1:8082", with the real port
  const std::string& entry_id() const noexcept;
  size_t connections() const noexcept;
  /// Sockets accepted, refused by `connections`, refused by `connections_per_address`.
  struct tally {
    uint64_t accepted = 0, refused_full = 0, refused_address = 0;
  };
  tally counts() const noexcept;
  const gateway_limits& limits() const noexcept;
  /// Connections that are in the middle of something: all but idle HTTP ones.
  size_t busy() const noexcept;

  /// Stops accepting and keeping HTTP connections alive. Thread-safe.
  void stop_accepting();
  /// Closes every websocket with 1001, spread over `window`.
  void send_going_away(std::chrono::nanoseconds window);

 private:
  void add_health_routes();

  struct state;
  std::shared_ptr<state> state_;
};

} // namespace natterjack::relay
