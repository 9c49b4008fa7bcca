// A compressed message (RFC 7692 7.2.2) as what it was.
//
// One set of tables for each thread serves all of its connections, and a silent one holds none. Where a
// client may refer to its earlier messages, their last bytes are all that is kept of it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::relay {

enum class inflated : uint8_t {
  whole,
  too_big, ///< it would be longer than `bytes_max`; no more than that was made of it
  broken,  ///< not DEFLATE, or cut off
};

/// The end of what a client has sent, to which its next message may refer.
struct inflate_history {
  size_t window_bytes = 0;
  std::string bytes;
};

/// @param body     for `whole`: the message, valid until the thread's next call
/// @param history  null: a message stands for itself; else brought up to date
inflated inflate_message(std::string_view packed, size_t bytes_max, std::string_view& body,
                         inflate_history* history = nullptr);

} // namespace natterjack::relay
