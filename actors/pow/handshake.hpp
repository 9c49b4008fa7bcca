// The opening of a pow-1 websocket: who may, and the answer.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>

namespace natterjack::pow {

/// The 101 response for a request that was not refused.
std::string accept_head(const relay::http_request& request);

} // namespace natterjack::pow
