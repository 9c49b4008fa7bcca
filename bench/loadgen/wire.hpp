// The client's side of RFC 6455 in memory: frames made, heads of frames read, and the stamped texts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::bench {

constexpr size_t stamp_digits = 15; // nanoseconds of more than eleven days

/// The client's text: topic letter, stamp, filler up to `size`.
/// @param words  fill with words by chance out of a few, as texts of people and programs repeat theirs
void write_text(char* to, size_t size, char topic, int64_t stamp, bool words);

/// Finds `@<digits>;` in a delivered text; nothing for any other message, such as a welcome.
std::optional<int64_t> stamp_of(std::string_view text);

/// Appends the header of a masked frame (RFC 6455 5.2) and room for the payload.
/// @returns where the payload begins in `out`
size_t append_frame(std::string& out, uint8_t opcode, size_t size, uint32_t mask);

void mask_payload(char* data, size_t size, uint32_t mask);

struct frame_head {
  size_t header = 0;
  size_t payload = 0;
  uint8_t opcode = 0;
  bool final = false;
  bool packed = false; ///< RSV1: compressed
};

/// Reads the header of a frame from the server; nothing while it is incomplete.
/// @throws std::runtime_error  reserved bits or a mask
std::optional<frame_head> read_head(const char* data, size_t size);

} // namespace natterjack::bench
