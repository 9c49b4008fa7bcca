// A route that takes the client's socket itself: protocols with a handshake or frames of their own.
//
//   refuse   says no with a response; the HTTP connection goes on
//   take     owns the socket from then on; the request has been read completely, nothing was answered
#pragma once

#include "relay/http/exchange.hpp"
#include "relay/io_thread.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::relay {

struct taken_socket {
  boost::asio::ip::tcp::socket socket;
  std::string leftover;        ///< bytes that came behind the request head
  std::shared_ptr<void> place; ///< the gateway's count of connections, held as long as the socket
  io_thread& thread;           ///< the only one that may touch the socket
};

struct socket_route {
  std::function<std::optional<http_response>(const http_request&)> refuse;
  std::function<void(std::shared_ptr<const http_request>, taken_socket)> take;
};

} // namespace natterjack::relay
