#include "actors/amqp/publication.hpp"

#include <random>

namespace natterjack::amqp {

const char* to_string(publish_result result) noexcept {
  switch (result) {
  case publish_result::confirmed:
    return "confirmed";
  case publish_result::unroutable:
    return "unroutable";
  case publish_result::refused:
    return "refused";
  case publish_result::expired:
    return "expired";
  case publish_result::unconfirmed:
    return "unconfirmed";
  case publish_result::queue_full:
    return "queue_full";
  case publish_result::invalid:
    return "invalid";
  case publish_result::stopped:
    return "stopped";
  }
  return "unknown";
}

namespace {

// RFC 4122 4.4. Ids must be unique, not secret: a generator a thread, seeded by the system.
std::string random_hex() {
  thread_local std::mt19937_64 generator = [] {
    std::random_device source;
    std::seed_seq seed{source(), source(), source(), source(),
                       source(), source(), source(), source()};
    return std::mt19937_64(seed);
  }();
  uint64_t words[2] = {generator(), generator()};
  words[0] = (words[0] & ~0xf000ULL) | 0x4000ULL;
  words[1] = (words[1] & ~(0xc000000000000000ULL)) | 0x8000000000000000ULL;
  std::string result(32, '0');
  for (size_t i = 0; i < 32; ++i)
    result[i] = "0123456789abcdef"[words[i / 16] >> (60 - 4 * (i % 16)) & 15];
  return result;
}

} // namespace

std::string make_message_id() {
  return random_hex();
}

std::string make_uuid() {
  auto hex = random_hex();
  for (size_t at : {8U, 13U, 18U, 23U})
    hex.insert(at, 1, '-');
  return hex;
}

} // namespace natterjack::amqp
