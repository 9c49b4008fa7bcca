// Compression by zlib in its three forms, for data that is there as a whole.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace natterjack::runtime::lua {

enum class zlib_format : uint8_t {
  gzip,    ///< RFC 1952; several members one behind the other are read as one
  zlib,    ///< RFC 1950
  deflate, ///< RFC 1951, raw
};

enum class zlib_outcome : uint8_t {
  fine,
  broken,    ///< not of this format, cut off, or with something behind its end
  too_large, ///< more than `bytes_max`
  no_memory,
};

/// @param level  1 (fast) to 9 (small)
zlib_outcome zlib_encode(std::string_view data, zlib_format format, int level, std::string& out);

/// @param bytes_max  of what comes out
zlib_outcome zlib_decode(std::string_view data, zlib_format format, size_t bytes_max,
                         std::string& out);

} // namespace natterjack::runtime::lua
