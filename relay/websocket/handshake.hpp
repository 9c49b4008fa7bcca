// The server's half of the opening handshake (RFC 6455 4.2.2), once the request has been found right.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>

namespace natterjack::relay {

/// The head of a 101 answer.
/// @param upgrade  a request that `refuse_upgrade` let through
/// @param extra    further headers, such as a subprotocol
/// @param extensions  that were agreed on; empty: none
std::string handshake_answer(const http_request& upgrade, const header_list& extra,
                             const std::string& extensions = {});

} // namespace natterjack::relay
