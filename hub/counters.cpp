#include "hub/counters.hpp"

#include <memory>
#include <mutex>

namespace natterjack::hub {

namespace {

struct all_cells {
  std::mutex mutex;
  std::vector<std::unique_ptr<detail::counter_cell>> cells;
};

// Never destroyed: threads may count until the very end.
all_cells& cells() {
  static auto& made = *new all_cells;
  return made;
}

template <class Read>
void each_cell(Read&& read) {
  auto& all = cells();
  std::lock_guard guard(all.mutex);
  for (const auto& cell : all.cells)
    read(*cell);
}

} // namespace

detail::counter_cell& detail::own_counter_cell() {
  auto& all = cells();
  std::lock_guard guard(all.mutex);
  return *all.cells.emplace_back(std::make_unique<counter_cell>());
}

void observe(series what, uint64_t ns, uint64_t times) {
  auto& line = detail::counter_cell_here().lines[static_cast<size_t>(what)];
  size_t bucket = 0;
  while (bucket < bucket_bounds_ns.size() && ns > bucket_bounds_ns[bucket])
    ++bucket;
  detail::add(line.buckets[bucket], times);
  detail::add(line.sum_ns, ns * times);
}

uint64_t total(counter what) {
  uint64_t sum = 0;
  each_cell([what, &sum](const detail::counter_cell& cell) {
    sum += cell.values[static_cast<size_t>(what)].load(std::memory_order_relaxed);
  });
  return sum;
}

histogram total(series what) {
  histogram result;
  each_cell([what, &result](const detail::counter_cell& cell) {
    const auto& line = cell.lines[static_cast<size_t>(what)];
    for (size_t i = 0; i < result.buckets.size(); ++i) {
      const auto n = line.buckets[i].load(std::memory_order_relaxed);
      result.buckets[i] += n;
      result.count += n;
    }
    result.sum_ns += line.sum_ns.load(std::memory_order_relaxed);
  });
  return result;
}

std::string_view limit_name(counter what) noexcept {
  constexpr std::string_view names[]{
      "inbound_messages", "inbound_bytes", "outbox_soft_bytes", "outbox_hard_bytes",
      "message_bytes",    "head_timeout",  "head_bytes",        "header_count",
      "body_timeout",     "body_bytes",    "idle_timeout",      "pipelined_requests",
      "ping_missed",      "connections",   "connections_per_address",
      "memory",           "budget",        "mailbox",           "mailbox_bytes",
      "timers",           "channels",      "names",             "stack",
      "max_processes"};
  constexpr auto first = static_cast<size_t>(counter::limit_inbound_messages);
  static_assert(std::size(names) == counter_count - first);
  const auto i = static_cast<size_t>(what);
  return i < first || i >= counter_count ? std::string_view() : names[i - first];
}

} // namespace natterjack::hub
