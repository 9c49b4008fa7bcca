// One text frame compressed once for all clients that take permessage-deflate (RFC 7692).
//
// Each message is compressed by itself: that is allowed also where the window might be kept, and it is what
// lets one frame go to many clients.
#pragma once

#include "hub/message.hpp"

#include <string_view>

namespace natterjack::relay {

/// Below this, the compressed frame is hardly shorter and never worth the work.
inline constexpr size_t deflated_bytes_min = 150;

/// @param window_bits  9 to 15; a client that agreed to this window or a larger one can read it
/// @returns empty if the frame would not be shorter than the plain one
hub::shared_bytes encode_deflated_frame(std::string_view body, int window_bits);

/// As `frames_of`, for clients that agreed on permessage-deflate with windows of 2^bits bytes: what gets
/// shorter is compressed. Made once for all receivers with the same window while others hold the message.
hub::shared_bytes deflated_frames_of(const hub::message_ptr& what, int window_bits);

} // namespace natterjack::relay
