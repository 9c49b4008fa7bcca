// One HTTP/1.1 connection: requests in order, each answered by a route, until it closes or upgrades.
//
//   states  handshake -> idle -> head -> body -> answering -> writing | streaming -> idle ...
//                                                          -> given away (websocket, socket route)
//                                                          -> lingering -> closed
//
//   bound             when reached
//   head_timeout      408, closed            head_bytes, header_count  431, closed
//   body_timeout      408, closed            body_bytes                413, closed
//   idle_timeout      closed                 pipelined requests wait unread: one at a time is answered
//   what a client does not read of a stream stays with its writer: body_stream, sse/event_stream
#pragma once

#include "relay/gateway_context.hpp"
#include "relay/http/router.hpp"
#include "relay/io_thread.hpp"
#include "relay/stream_socket.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <memory>

namespace natterjack::relay {

/// Starts a session on its io thread; it keeps itself alive.
void start_http_session(io_thread& thread, stream_socket socket,
                        const boost::asio::ip::tcp::endpoint& remote,
                        std::shared_ptr<gateway_context> gateway,
                        std::shared_ptr<const router> routes,
                        std::shared_ptr<connection_place> place);

} // namespace natterjack::relay
