#include "relay/close_counts.hpp"

#include <mutex>

namespace natterjack::relay {

namespace {

constexpr size_t pairs_max = 200;

struct table {
  std::mutex mutex;
  close_count_map counts;
};

table& counted() {
  static auto& made = *new table; // connections may end while the program does
  return made;
}

} // namespace

void count_close(std::string_view cause, uint16_t code) {
  auto& t = counted();
  std::pair key{std::string(cause), std::to_string(code)};
  std::lock_guard guard(t.mutex);
  if (t.counts.size() >= pairs_max && !t.counts.contains(key))
    key.second = "other";
  ++t.counts[std::move(key)];
}

close_count_map close_counts() {
  auto& t = counted();
  std::lock_guard guard(t.mutex);
  return t.counts;
}

} // namespace natterjack::relay
