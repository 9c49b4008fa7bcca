// How websockets ended, counted by cause and code.
//
//   cause    of close_codes.hpp (by_hub, target_exited, slow_consumer, …), or
//            client (it sent a close frame first), ping_missed, lost (no close frame came)
//   code     of the close frame that was sent first; 1006 when there was none
//
//   bound    clients choose codes: beyond 200 pairs of cause and code, a code counts as "other"
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace natterjack::relay {

using close_count_map = std::map<std::pair<std::string, std::string>, uint64_t>;

/// Thread-safe; a close is rare enough for a lock.
void count_close(std::string_view cause, uint16_t code);

/// (cause, code) -> number
close_count_map close_counts();

} // namespace natterjack::relay
