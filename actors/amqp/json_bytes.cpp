#include "actors/amqp/json_bytes.hpp"

#include <cstdint>

namespace natterjack::amqp {

namespace {

enum class encoding : uint8_t { utf8, utf16_little, utf16_big, utf32_little, utf32_big };

struct detected {
  encoding what = encoding::utf8;
  size_t mark_bytes = 0;
};

detected detect(std::string_view b) noexcept {
  using namespace std::string_view_literals;
  // UTF-32 first: its little-endian mark begins with the one of UTF-16.
  if (b.starts_with("\xff\xfe\0\0"sv))
    return {encoding::utf32_little, 4};
  if (b.starts_with("\0\0\xfe\xff"sv))
    return {encoding::utf32_big, 4};
  if (b.starts_with("\xff\xfe"sv))
    return {encoding::utf16_little, 2};
  if (b.starts_with("\xfe\xff"sv))
    return {encoding::utf16_big, 2};
  if (b.starts_with("\xef\xbb\xbf"sv))
    return {encoding::utf8, 3};
  if (b.size() >= 4) {
    if (b[0] == '\0')
      return {b[1] == '\0' ? encoding::utf32_big : encoding::utf16_big, 0};
    if (b[1] == '\0')
      return {b[2] == '\0' && b[3] == '\0' ? encoding::utf32_little : encoding::utf16_little, 0};
  } else if (b.size() == 2) { // one digit
    if (b[0] == '\0')
      return {encoding::utf16_big, 0};
    if (b[1] == '\0')
      return {encoding::utf16_little, 0};
  }
  return {};
}

uint32_t unit_at(std::string_view b, size_t at, size_t width, bool big) noexcept {
  uint32_t value = 0;
  for (size_t i = 0; i < width; ++i)
    value = value << 8 | static_cast<unsigned char>(b[big ? at + i : at + width - 1 - i]);
  return value;
}

} // namespace

void append_utf8(std::string& out, uint32_t code) {
  auto put = [&out](uint32_t byte) {
    out += static_cast<char>(byte);
  };
  if (code < 0x80) {
    put(code);
  } else if (code < 0x800) {
    put(0xc0 | code >> 6);
    put(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    put(0xe0 | code >> 12);
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  } else {
    put(0xf0 | code >> 18);
    put(0x80 | (code >> 12 & 0x3f));
    put(0x80 | (code >> 6 & 0x3f));
    put(0x80 | (code & 0x3f));
  }
}

std::optional<std::string_view> decode_json_bytes(std::string_view bytes, std::string& storage) {
  const auto found = detect(bytes);
  bytes.remove_prefix(found.mark_bytes);
  if (found.what == encoding::utf8)
    return bytes;
  const bool wide = found.what == encoding::utf32_little || found.what == encoding::utf32_big;
  const bool big = found.what == encoding::utf16_big || found.what == encoding::utf32_big;
  const size_t width = wide ? 4 : 2;
  if (bytes.size() % width != 0)
    return std::nullopt;
  storage.clear();
  storage.reserve(bytes.size());
  for (size_t at = 0; at < bytes.size(); at += width) {
    auto code = unit_at(bytes, at, width, big);
    if (!wide && code >= 0xd800 && code < 0xdc00 && at + 2 < bytes.size()) {
      const auto low = unit_at(bytes, at + 2, 2, big);
      if (low >= 0xdc00 && low < 0xe000) {
        code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        at += 2;
      }
    }
    if (code > 0x10ffff)
      return std::nullopt;
    append_utf8(storage, code);
  }
  return std::string_view(storage);
}

} // namespace natterjack::amqp
