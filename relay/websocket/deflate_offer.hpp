// Which of a client's offers of permessage-deflate (RFC 7692 7.1) is taken, and what is answered.
//
//   offer                                 is
//   server_max_window_bits 9 to 15        taken; 8 is not, our compressor has no such window
//   client_max_window_bits none, 8 to 15  taken
//   server_, client_no_context_takeover   taken, without a value
//   anything else, or twice               passed over, and the next offer is looked at
//
// What we send never refers to earlier messages, so that one compressed frame fits all clients.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>

namespace natterjack::relay {

/// What a route is ready to agree to.
struct deflate_terms {
  int window_bits = 0;        ///< of both sides, 9 to 15; 0: offers are declined
  bool keeps_context = false; ///< clients may refer to their earlier messages: a window for each
};

struct deflate_agreement {
  int window_bits = 0;        ///< of what the server compresses, 9 to 15; 0: there is none
  int client_window_bits = 0; ///< how far clients refer back, 8 to 15; 0: not beyond a message
  std::string answer;         ///< value of Sec-WebSocket-Extensions
};

/// The first offer in order that can be taken.
deflate_agreement agree_on_deflate(const http_request& upgrade, deflate_terms terms);

/// False if a Sec-WebSocket-Extensions line is no list of extensions (RFC 6455 9.1).
bool has_sound_extensions(const http_request& upgrade);

} // namespace natterjack::relay
