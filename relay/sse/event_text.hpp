// Messages as server-sent events: `event: topic`, then the value as it is on `data:` lines.
//
// An event is encoded once for all streams of an io thread that get the same message.
#pragma once

#include "hub/message.hpp"

#include <string>
#include <string_view>

namespace natterjack::relay {

/// Appends one event. Line breaks of any kind in `data` make further data lines; the name is one line.
void append_event(std::string& out, std::string_view name, std::string_view data);

/// A value as data: text and JSON as they are, bytes in base64, nil as null.
std::string event_data(const hub::payload& value);

/// All values of a message, one event each; as one chunk of a chunked body if `chunked`.
/// @returns empty for a message without values
hub::shared_bytes events_of(const hub::message_ptr& what, bool chunked);

/// Bytes of a stream as it is framed: one chunk, or as they are.
hub::shared_bytes frame_events(std::string_view text, bool chunked);

} // namespace natterjack::relay
