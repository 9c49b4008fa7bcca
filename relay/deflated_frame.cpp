#include "relay/deflated_frame.hpp"

#include <boost/beast/zlib/deflate_stream.hpp>

#include <cstring>
#include <string>

namespace natterjack::relay {

namespace zlib = boost::beast::zlib;

namespace {

constexpr int level = 6;
constexpr int memory_level = 5; // small tables: they are cleared for every message
constexpr size_t longest_head = 10;

// @returns false if there is no room, so that nothing would be gained
bool deflate(std::string_view body, int window_bits, std::string& out) {
  thread_local zlib::deflate_stream stream;
  stream.reset(level, window_bits, memory_level, zlib::Strategy::normal);
  out.resize(body.size() + 64);
  zlib::z_params p;
  p.next_in = body.data();
  p.avail_in = body.size();
  p.next_out = out.data();
  p.avail_out = out.size();
  boost::system::error_code ec;
  stream.write(p, zlib::Flush::full, ec);
  if ((ec && ec != zlib::error::need_buffers) || p.avail_in != 0 || p.avail_out == 0)
    return false;
  out.resize(p.total_out);
  // RFC 7692 7.2.1: the empty block a flush ends with is left out.
  constexpr std::string_view tail("\0\0\xff\xff", 4);
  if (!std::string_view(out).ends_with(tail))
    return false;
  out.resize(out.size() - tail.size());
  return out.size() < body.size();
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
