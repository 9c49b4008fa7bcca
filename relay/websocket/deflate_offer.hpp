// Which of a client's offers of permessage-deflate (RFC 7692 7.1) is taken: the first one that can be.
//
//   offer                                 is
//   server_max_window_bits 9 to 15        taken; 8 is not, our compressor has no such window
//   client_max_window_bits none, 8 to 15  taken
//   server_, client_no_context_takeover   taken, without a value
//   anything else, or twice               passed over, and the next offer is looked at
#pragma once

#include "relay/http/exchange.hpp"

#include <optional>
#include <string>

namespace natterjack::relay {

struct deflate_offer {
  std::string text;                ///< the offer alone, written plainly
  bool client_can_shrink = false;  ///< it said that we may ask for a smaller window of its frames
};

/// @returns the offer to take, or nothing: the connection is not compressed then
std::optional<deflate_offer> choose_deflate(const http_request& upgrade);

/// False if a Sec-WebSocket-Extensions line is no list of extensions (RFC 6455 9.1).
bool has_sound_extensions(const http_request& upgrade);

} // namespace natterjack::relay
