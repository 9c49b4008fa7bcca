// What a client receives: `{"topic":…,"data":…}` as text frames, encoded once for all receivers.
//
// A message with several values makes several frames, laid end to end in one block, so that an outbox
// holds one block for each message.
#pragma once

#include "hub/message.hpp"

#include <string>

namespace natterjack::relay {

enum class opcode : uint8_t { text = 0x1, binary = 0x2, close = 0x8, ping = 0x9, pong = 0xa };

/// One unmasked server frame around `body` (RFC 6455 5.2).
hub::shared_bytes encode_frame(opcode op, std::string_view body);

/// A close frame with its code and reason. @param reason  at most 123 bytes of UTF-8
hub::shared_bytes encode_close(uint16_t code, std::string_view reason);

/// The frames of a message; made at the first call and kept with the message while others hold it.
/// @returns empty for a message without values
hub::shared_bytes frames_of(const hub::message_ptr& what);

/// Appends `text` as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);

} // namespace natterjack::relay
