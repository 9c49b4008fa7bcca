// The actor of one websocket client of the pass-through.
//
//   client says                        does
//   a command                          sent, after the ones before it have got the broker's word
//   {"options": {…}} as first message  what client_wishes.hpp lists
//   anything else                      nothing; {"error": …} if acks were asked for
//
//   receives     does
//   a reply      its frame to the client, unless a filter keeps it back
//   link notice  {"broker": …}, if asked for
//   going away   closes 1001
//
//   bounds   commands waiting, in number and bytes: beyond them the client is not read
//            outbox in bytes and time, by the gateway's limits: beyond them closed with 1013
//            pings unanswered: closed with 1011
//   states   opening -> open -> closing -> closed; ends when the commands it has sent are settled
#pragma once

#include "actors/amqp/bridge.hpp"
#include "relay/http/router.hpp"
#include "relay/websocket/transport.hpp"

#include <memory>

namespace natterjack::amqp {

struct client_options {
  size_t commands_max = 32; ///< read, but not sent yet
  size_t command_bytes_max = 1 << 20;
  std::chrono::nanoseconds ping_interval = 20s;
  std::chrono::nanoseconds ping_timeout = 20s;
  std::string host_entry; ///< gateway whose drain closes the clients; empty: the bridge's
};

/// Starts the actor and answers the handshake. On the thread that owns the transport.
void start_client(relay::io_thread& thread, std::shared_ptr<relay::ws_transport> transport,
                  const relay::http_request& upgrade, std::shared_ptr<bridge> owner,
                  const client_options& options);

/// Lets websocket clients of any origin in at `pattern`, such as "/{path...}".
void mount(relay::router& routes, const std::string& pattern, std::shared_ptr<bridge> owner,
           const client_options& options = {});

} // namespace natterjack::amqp
