// What a client offers of permessage-deflate (RFC 7692), and what is agreed to.
//
// Both directions without context takeover, which a server may always ask for (7.1.1): so one compressed
// frame fits all clients, and no connection holds a window.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>

namespace natterjack::relay {

struct deflate_agreement {
  int window_bits = 0; ///< of what the server compresses, 9 to 15; 0: there is none
  std::string answer;  ///< value of Sec-WebSocket-Extensions
};

/// The first offer in order that is well-formed and can be met.
/// @param window_bits  the most the server wants to use
deflate_agreement agree_on_deflate(const http_request& upgrade, int window_bits);

} // namespace natterjack::relay
