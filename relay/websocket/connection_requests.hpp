// What processes ask of a connection, read from message values: ws.close and ws.control.
#pragma once

#include "hub/payload.hpp"
#include "relay/close_codes.hpp"
#include "relay/relay_config.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace natterjack::relay {

/// RFC 6455 5.5.1: a reason is UTF-8. What is not becomes U+FFFD, as in frames.
std::string as_utf8(std::string_view bytes);

/// The close frame of a ws.close message: a string is the reason, a number its text, a table
/// `{code=…, reason=…}` both; no value is "Connection closed by server". A code that may not be sent
/// counts as 1000.
/// @param problem  set to a sentence if code or reason was not taken as it is
close_frame read_close_request(std::span<const hub::payload> values, std::string& problem);

/// A ws.control body: a table, or the same as JSON text.
std::optional<relay_config> read_control_request(const hub::payload& value, std::string& error);

} // namespace natterjack::relay
