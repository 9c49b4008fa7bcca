// May this request become a websocket, and if not, what is the answer?
#pragma once

#include "relay/http/exchange.hpp"
#include "relay/origin.hpp"

#include <optional>

namespace natterjack::relay {

/// `Connection` holds the token upgrade and `Upgrade` the token websocket (RFC 6455 4.2.1).
bool wants_websocket(const http_request& request) noexcept;

/// What Beast leaves to its user: method, version, key, body, origin.
/// @returns the refusal, or nothing if the handshake may be answered
std::optional<http_response> refuse_upgrade(const http_request& request, const origin_rule& origins);

} // namespace natterjack::relay
