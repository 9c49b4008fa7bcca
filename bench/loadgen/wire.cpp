#include "wire.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <stdexcept>

namespace natterjack::bench {

namespace {

void fill_with_words(char* to, size_t size) {
  constexpr std::string_view words[] = {"price ", "volume ", "changed ", "since ", "last ",
                                        "market ", "order ", "buyer ",  "seller ", "open ",
                                        "closed ", "of ",    "the ",    "at ",    "above ", "below "};
  static uint32_t chance = 1;
  for (size_t at = 0; at < size;) {
    chance = chance * 1664525 + 1013904223;
    const auto word = words[chance >> 28];
    const auto n = std::min(word.size(), size - at);
    std::memcpy(to + at, word.data(), n);
    at += n;
    if (at < size)
      to[at++] = static_cast<char>('0' + (chance >> 16) % 10);
  }
}

} // namespace

void write_text(char* to, size_t size, char topic, int64_t stamp, bool words) {
  if (words)
    fill_with_words(to, size);
  else
    std::memset(to, 'x', size);
  to[0] = topic;
  to[1] = '@';
  for (size_t i = stamp_digits; i-- > 0; stamp /= 10)
    to[2 + i] = static_cast<char>('0' + stamp % 10);
  to[2 + stamp_digits] = ';';
}

std::optional<int64_t> stamp_of(std::string_view text) {
  auto at = text.find('@');
  if (at == text.npos)
    return std::nullopt;
  int64_t value = 0;
  auto [end, error] = std::from_chars(text.data() + at + 1, text.data() + text.size(), value);
  if (error != std::errc{} || end == text.data() + text.size() || *end != ';')
    return std::nullopt;
  return value;
}

size_t append_frame(std::string& out, uint8_t opcode, size_t size, uint32_t mask) {
  out += static_cast<char>(0x80 | opcode);
  if (size < 126) {
    out += static_cast<char>(0x80 | size);
  } else if (size < 65536) {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(size >> 8);
    out += static_cast<char>(size & 0xff);
  } else {
    out += static_cast<char>(0x80 | 127);
    for (int shift = 56; shift >= 0; shift -= 8)
      out += static_cast<char>((size >> shift) & 0xff);
  }
  out.append(reinterpret_cast<const char*>(&mask), 4);
  auto begin = out.size();
  out.resize(begin + size);
  return begin;
}

void mask_payload(char* data, size_t size, uint32_t mask) {
  char key[4];
  std::memcpy(key, &mask, 4);
  for (size_t i = 0; i < size; ++i)
    data[i] = static_cast<char>(data[i] ^ key[i & 3]);
}

std::optional<frame_head> read_head(const char* data, size_t size) {
  if (size < 2)
    return std::nullopt;
  auto octet = [data](size_t i) {
    return static_cast<uint8_t>(data[i]);
  };
  frame_head head;
  head.final = octet(0) & 0x80;
  head.opcode = octet(0) & 0x0f;
  head.packed = octet(0) & 0x40;
  if ((octet(0) & 0x30) != 0 || (octet(1) & 0x80) != 0)
    throw std::runtime_error("protocol: the server sent reserved bits or a masked frame");
  head.payload = octet(1) & 0x7f;
  size_t extra = head.payload == 126 ? 2 : head.payload == 127 ? 8 : 0;
  head.header = 2 + extra;
  if (size < head.header)
    return std::nullopt;
  if (extra != 0) {
    head.payload = 0;
    for (size_t i = 0; i < extra; ++i)
      head.payload = head.payload << 8 | octet(2 + i);
  }
  return head;
}

} // namespace natterjack::bench
