// The actor of one websocket client.
//
//   receives     does                                         when
//   ws.control   new target, topic, metadata, heartbeat       body is a JSON object; else logged
//   ws.close     closes with the code and reason it carries   open
//   any topic    {"topic":…,"data":…} to the client           open
//   cancel       closes 1000 with the reason                  open
//   going_away   closes 1001                                  open
//
//   sends to its target
//   ws.join      once, first                                  client_pid, metadata
//   topic        each client message, in order                text or binary, with credit
//   ws.heartbeat every interval                               client_pid, uptime, message_count, metadata
//   ws.leave     exactly once for each join, last             client_pid, metadata
//
//   watches      the target; its end closes the connection, unless a successor took its place or the
//                connection shall wait for the name: on_exit "hold"
//   states       opening -> open -> closing -> closed
//   never        blocks, parses what a client says, queues without a bound
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/lean_actor.hpp"
#include "relay/relay_config.hpp"
#include "relay/websocket/transport.hpp"

#include <memory>

namespace natterjack::relay {

struct connection_options {
  std::shared_ptr<gateway_context> gateway;
  relay_config config;
  hub::relay_dialect dialect = hub::relay_dialect::table; ///< of the endpoint
};

/// Starts the actor and answers the handshake. On the thread that owns the transport.
/// @param extra  headers the endpoint wants in the 101
void start_connection(io_thread& thread, std::shared_ptr<ws_transport> transport,
                      const http_request& upgrade, const header_list& extra,
                      connection_options options);

/// Tells a connection that the server is shutting down; from any thread.
void send_going_away(const hub::process_ref& connection);

/// Tells all connections that report to a process to report to its successor (`node::succeed`) from
/// now on; a moment later none of them says anything to it any more. Thread-safe.
/// @param left  counts those that have not done it yet; begins at 0
void lead_to_successor(hub::node& node, const hub::pid& before,
                       const std::shared_ptr<std::atomic<size_t>>& left);

} // namespace natterjack::relay

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<std::atomic<size_t>>)
