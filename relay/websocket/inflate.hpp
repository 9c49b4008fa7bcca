// A compressed message (RFC 7692 7.2.2) as what it was.
//
// Nothing is kept between messages: clients agree to `client_no_context_takeover`, so one set of tables for
// each thread serves all of its connections, and a silent one holds none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace natterjack::relay {

enum class inflated : uint8_t {
  whole,
  too_big, ///< it would be longer than `bytes_max`; no more than that was made of it
  broken,  ///< not DEFLATE, or cut off
};

/// @param body  for `whole`: the message, valid until the thread's next call
inflated inflate_message(std::string_view packed, size_t bytes_max, std::string_view& body);

} // namespace natterjack::relay
