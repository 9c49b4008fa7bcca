#include "runtime/lua/codec/zlib_codec.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>

namespace natterjack::runtime::lua {

namespace {

constexpr int memory_level = 8;           // zlib's own default
constexpr size_t chunk_bytes = 64 * 1024; // of output at a time
constexpr size_t input_max = std::numeric_limits<uInt>::max();

// zlib names the format by the size of its window.
int window_of(zlib_format format) {
  switch (format) {
  case zlib_format::gzip:
    return MAX_WBITS + 16;
  case zlib_format::zlib:
    return MAX_WBITS;
  case zlib_format::deflate:
    break;
  }
  return -MAX_WBITS;
}

// A stream with the function that ends it.
template <int (*End)(z_streamp)> struct stream : z_stream {
  stream() : z_stream{} {}
  ~stream() { End(this); }
  stream(const stream&) = delete;
  stream& operator=(const stream&) = delete;
};

// Gives the stream its next piece of input. zlib does not write to it.
void feed(z_stream& to, std::string_view& rest) {
  if (to.avail_in != 0 || rest.empty())
    return;
  const auto size = std::min(rest.size(), input_max);
  to.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest.data()));
  to.avail_in = static_cast<uInt>(size);
  rest.remove_prefix(size);
}

} // namespace

zlib_outcome zlib_encode(std::string_view data, zlib_format format, int level, std::string& out) {
  stream<deflateEnd> with;
  if (deflateInit2(&with, level, Z_DEFLATED, window_of(format), memory_level, Z_DEFAULT_STRATEGY) !=
      Z_OK)
    return zlib_outcome::no_memory;
  std::array<char, chunk_bytes> chunk;
  int code = Z_OK;
  while (code != Z_STREAM_END) {
    feed(with, data);
    with.next_out = reinterpret_cast<Bytef*>(chunk.data());
    with.avail_out = chunk.size();
    code = deflate(&with, data.empty() ? Z_FINISH : Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR)
      return zlib_outcome::no_memory;
    out.append(chunk.data(), chunk.size() - with.avail_out);
  }
  return zlib_outcome::fine;
}

zlib_outcome zlib_decode(std::string_view data, zlib_format format, size_t bytes_max,
                         std::string& out) {
  stream<inflateEnd> with;
  if (inflateInit2(&with, window_of(format)) != Z_OK)
    return zlib_outcome::no_memory;
  std::array<char, chunk_bytes> chunk;
  for (;;) {
    feed(with, data);
    with.next_out = reinterpret_cast<Bytef*>(chunk.data());
    with.avail_out = chunk.size();
    const int code = inflate(&with, Z_NO_FLUSH);
    const size_t made = chunk.size() - with.avail_out;
    if (made > bytes_max - out.size())
      return zlib_outcome::too_large;
    out.append(chunk.data(), made);
    const bool is_done = with.avail_in == 0 && data.empty();
    if (code == Z_STREAM_END && is_done)
      return zlib_outcome::fine;
    if (code == Z_STREAM_END && format == zlib_format::gzip)
      inflateReset(&with); // the next member
    else if (code == Z_MEM_ERROR)
      return zlib_outcome::no_memory;
    else if (code != Z_OK || (is_done && with.avail_out != 0))
      return zlib_outcome::broken;
  }
}

} // namespace natterjack::runtime::lua
