// What every reader of websocket frames does with their bytes (RFC 6455 5.2, 5.3).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace natterjack::relay {

/// Takes the mask off, in place. @param key  the mask as it stands in memory
inline void unmask(char* bytes, size_t size, uint32_t key) noexcept {
  const uint64_t wide = uint64_t{key} << 32 | key;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    word ^= wide;
    std::memcpy(bytes + i, &word, 8);
  }
  char single[4];
  std::memcpy(single, &key, 4);
  for (; i < size; ++i)
    bytes[i] = static_cast<char>(bytes[i] ^ single[i & 3]);
}

/// The number that `count` bytes say, the first of them the highest.
inline uint64_t big_endian(const char* bytes, int count) noexcept {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[i]);
  return value;
}

inline bool is_control(uint8_t op) noexcept { return (op & 0x8) != 0; }

} // namespace natterjack::relay
