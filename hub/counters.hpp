// What happened how often in this program: one cell of counters for each thread, summed when asked.
//
//   count, what, by      this thread's own cell: no lock, no cache line shared with another thread
//   observe, series, ns  one more value in a histogram of this thread
//   total, what          the sum of all threads, those that have ended included
//
//   never    goes back; a reader may see a count of a thread a moment late
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace natterjack::hub {

enum class counter : uint8_t {
  // -- websockets
  connections_opened,
  connections_closed,
  messages_in,
  bytes_in,
  messages_out,
  bytes_out,
  outbox_dropped,  ///< messages for a client that the policy threw away
  paused_inbound,  ///< reading stopped: the hub has not taken what the client said
  paused_outbox,   ///< reading stopped: the client does not read
  connections_held, ///< its target ended and it waits for another
  // -- HTTP
  http_requests,
  responses_1xx,
  responses_2xx,
  responses_3xx,
  responses_4xx,
  responses_5xx,
  sockets_accepted,
  accept_pauses,
  // -- processes
  processes_spawned,
  processes_failed,
  slices,
  slices_cut,      ///< given way because others wanted their turn
  messages_taken,  ///< handed to a hub
  // -- bounds reached, under the names of the limits
  limit_inbound_messages,
  limit_inbound_bytes,
  limit_outbox_soft_bytes,
  limit_outbox_hard_bytes,
  limit_message_bytes,
  limit_head_timeout,
  limit_head_bytes,
  limit_header_count,
  limit_body_timeout,
  limit_body_bytes,
  limit_idle_timeout,
  limit_pipelined_requests,
  limit_ping_missed,
  limit_connections,
  limit_connections_per_address,
  limit_memory,
  limit_budget,
  limit_mailbox,
  limit_mailbox_bytes,
  limit_timers,
  limit_channels,
  limit_names,
  limit_stack,
  limit_max_processes,
  count_, ///< how many there are
};

inline constexpr size_t counter_count = static_cast<size_t>(counter::count_);

enum class series : uint8_t {
  handling,        ///< a hub's time for one message, seconds
  scheduler_delay, ///< how late a process that was due ran
  count_,
};

/// Upper bounds of the buckets of every series, in nanoseconds; one more counts what is above.
inline constexpr std::array<uint64_t, 14> bucket_bounds_ns{
    1'000,      5'000,      10'000,      50'000,      100'000,       500'000,       1'000'000,
    5'000'000,  10'000'000, 50'000'000,  100'000'000, 500'000'000,   1'000'000'000, 5'000'000'000};

struct histogram {
  std::array<uint64_t, bucket_bounds_ns.size() + 1> buckets{}; ///< not cumulative
  uint64_t count = 0;
  uint64_t sum_ns = 0;
};

namespace detail {

struct alignas(64) counter_cell {
  std::array<std::atomic<uint64_t>, counter_count> values{};
  struct line {
    std::array<std::atomic<uint64_t>, bucket_bounds_ns.size() + 1> buckets{};
    std::atomic<uint64_t> sum_ns{0};
  };
  std::array<line, static_cast<size_t>(series::count_)> lines{};
};

/// The calling thread's cell; made when it first counts, kept for ever.
counter_cell& own_counter_cell();

inline counter_cell& counter_cell_here() {
  constinit thread_local counter_cell* own = nullptr;
  if (own == nullptr)
    own = &own_counter_cell();
  return *own;
}

// One thread writes: a plain addition, no locked instruction.
inline void add(std::atomic<uint64_t>& to, uint64_t by) noexcept {
  to.store(to.load(std::memory_order_relaxed) + by, std::memory_order_relaxed);
}

} // namespace detail

inline void count(counter what, uint64_t by = 1) {
  detail::add(detail::counter_cell_here().values[static_cast<size_t>(what)], by);
}

/// @param times  so many values of this size
void observe(series what, uint64_t ns, uint64_t times = 1);

uint64_t total(counter what);
histogram total(series what);

/// The name of the limit a `limit_…` counter is for; empty for others.
std::string_view limit_name(counter what) noexcept;

} // namespace natterjack::hub
