#include "hub/payload.hpp"

namespace natterjack::hub {

bool is_utf8(std::string_view bytes) noexcept {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* end = p + bytes.size();
  while (p != end) {
    // Most text is ASCII: eight bytes a step while no high bit is set.
    while (end - p >= 8) {
      uint64_t word;
      std::memcpy(&word, p, 8);
      if ((word & 0x8080808080808080ULL) != 0)
        break;
      p += 8;
    }
    if (p == end)
      break;
    const unsigned char lead = *p;
    if (lead < 0x80) {
      ++p;
      continue;
    }
    int more = 0;
    uint32_t code = 0;
    if (lead >= 0xc2 && lead <= 0xdf) {
      more = 1;
      code = lead & 0x1fU;
    } else if ((lead & 0xf0) == 0xe0) {
      more = 2;
      code = lead & 0x0fU;
    } else if (lead >= 0xf0 && lead <= 0xf4) {
      more = 3;
      code = lead & 0x07U;
    } else {
      return false;
    }
    if (end - p <= more)
      return false;
    for (int i = 1; i <= more; ++i) {
      if ((p[i] & 0xc0) != 0x80)
        return false;
      code = (code << 6) | (p[i] & 0x3fU);
    }
    if (more == 2 && (code < 0x800 || (code >= 0xd800 && code <= 0xdfff)))
      return false;
    if (more == 3 && (code < 0x10000 || code > 0x10ffff))
      return false;
    p += more + 1;
  }
  return true;
}

} // namespace natterjack::hub
