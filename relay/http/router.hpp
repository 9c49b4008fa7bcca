// Which handler answers which request.
//
//   pattern              matches
//   /a/b                 that path
//   /a/{name}            one segment, given as parameter `name`
//   /a/{rest...}         all that is left, also nothing; last segment only
//
// A literal segment goes before a parameter, a parameter before a rest. A path that exists for another
// method is 405 with Allow; HEAD is answered by GET, OPTIONS by the session where no route does.
#pragma once

#include "relay/http/middleware.hpp"
#include "relay/origin.hpp"
#include "relay/websocket/deflate_offer.hpp"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::relay {

class ws_transport;
class io_thread;
struct socket_route;

/// What the middleware of a router adds to its routes.
struct route_options {
  middleware_chain chain;
  bool websocket_relay = false; ///< X-WS-Relay in a response upgrades the connection
  origin_rule origins;          ///< who may upgrade
  deflate_terms deflate;        ///< for websockets of this route
  bool sse_relay = false;       ///< X-SSE-Relay in a response makes it a stream of events
  origin_rule sse_origins;      ///< who may read such a stream
  hub::relay_dialect dialect = hub::relay_dialect::table;
};

/// Takes over a connection that a route upgrades by itself: jobs, bridges.
using upgrade_handler = std::function<void(std::shared_ptr<const http_request>,
                                           std::shared_ptr<ws_transport>, io_thread&)>;

struct route {
  std::string method;
  std::string pattern;
  http_handler handler;
  upgrade_handler upgrade; ///< set: websocket upgrades go here, all else to `handler`
  std::shared_ptr<const route_options> options;
  std::shared_ptr<const socket_route> socket = nullptr; ///< set: upgrades give their socket away
  std::string entry_id{}; ///< of the entry that asked for it; empty: none
  std::string place{};    ///< file and line of that entry, for whoever has to mend it
  bool streams_body = false; ///< the handler takes large bodies as `http_request::incoming`
};

class router {
 public:
  /// @throws std::invalid_argument  for a malformed pattern, or one that is there already
  void add(route added);
  bool contains(std::string_view method, std::string_view pattern) const noexcept;

  struct match {
    const route* found = nullptr;
    header_list params;
    std::string allow; ///< methods of this path, when only the method is wrong; OPTIONS last
  };
  /// @param path  as sent: parts are decoded one by one, so that %2F in one is no slash between two
  match find(std::string_view method, std::string_view path) const;
  /// Methods of all routes, OPTIONS last, for OPTIONS *.
  std::string methods() const;

 private:
  struct segment {
    enum class type : uint8_t { literal, parameter, rest } what;
    std::string text; // literal, or name of the parameter
  };
  struct compiled {
    std::vector<segment> segments;
    route target;
  };
  static std::vector<segment> compile(const std::string& pattern);
  static bool matches(const compiled& entry, const std::vector<std::string>& parts,
                      header_list& params);
  static void list_method(std::string& list, std::string_view method);

  std::vector<compiled> routes_; // most specific first
};

} // namespace natterjack::relay
