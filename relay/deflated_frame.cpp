#include "relay/deflated_frame.hpp"

#include <zlib.h>

#include <cstring>
#include <new>
#include <string>

namespace natterjack::relay {

namespace {

constexpr int level = 6;
constexpr int memory_level = 5; // small tables: they are cleared for every message
constexpr size_t longest_head = 10;

// The tables of one thread, for the window that was asked for last: nearly always the same.
class stream {
 public:
  ~stream() { close(); }

  z_stream& with_window(int bits) {
    if (bits == bits_) {
      ::deflateReset(&z_);
      return z_;
    }
    close();
    if (::deflateInit2(&z_, level, Z_DEFLATED, -bits, memory_level, Z_DEFAULT_STRATEGY) != Z_OK)
      throw std::bad_alloc();
    bits_ = bits;
    return z_;
  }

 private:
  void close() noexcept {
    if (bits_ != 0)
      ::deflateEnd(&z_);
    bits_ = 0;
    z_ = {};
  }

  z_stream z_{};
  int bits_ = 0;
};

// @returns false if nothing would be gained
bool deflate(std::string_view body, int window_bits, std::string& out) {
  thread_local stream tables;
  auto& z = tables.with_window(window_bits);
  out.resize(body.size()); // no room: it would not be shorter
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  if (::deflate(&z, Z_SYNC_FLUSH) != Z_OK || z.avail_in != 0 || z.avail_out == 0)
    return false;
  out.erase(out.size() - z.avail_out);
  // RFC 7692 7.2.1: the empty block a flush ends with is left out.
  constexpr std::string_view tail("\0\0\xff\xff", 4);
  if (!std::string_view(out).ends_with(tail))
    return false;
  out.erase(out.size() - tail.size());
  return true;
}

} // namespace

hub::shared_bytes encode_deflated_frame(std::string_view body, int window_bits) {
  thread_local std::string packed;
  if (body.size() < deflated_bytes_min || !deflate(body, window_bits, packed))
    return {};
  unsigned char head[longest_head] = {0xc1}; // FIN, RSV1 for "compressed", text
  size_t head_size = 2;
  const auto size = packed.size();
  if (size < 126) {
    head[1] = static_cast<unsigned char>(size);
  } else {
    const size_t bytes = size < 65536 ? 2 : 8;
    head[1] = bytes == 2 ? 126 : 127;
    for (size_t i = 0; i < bytes; ++i)
      head[head_size++] = static_cast<unsigned char>(size >> (8 * (bytes - 1 - i)));
  }
  auto result = hub::shared_bytes::make(head_size + size, [&head, head_size](char* to) {
    std::memcpy(to, head, head_size);
    std::memcpy(to + head_size, packed.data(), packed.size());
  });
  if (packed.capacity() > (1 << 20))
    std::string().swap(packed);
  return result;
}

} // namespace natterjack::relay
