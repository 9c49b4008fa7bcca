// The head of a response as bytes, and the way back from percent-encoding.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>

namespace natterjack::relay {

/// Status line and fields up to the empty line: the response's own fields, then Content-Length, Date and
/// Connection, which are the server's business and are dropped from the response's own.
std::string response_head(const http_response& response, bool keep_alive);

/// @returns false for a broken % escape or a NUL
bool percent_decode(std::string_view text, std::string& out);

} // namespace natterjack::relay
