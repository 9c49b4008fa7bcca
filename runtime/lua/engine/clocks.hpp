// The clocks that processes are timed by, in the units of timers, budgets and deadlines.
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace natterjack::runtime::lua {

/// The longest that scripts may ask to wait for, 146 years: added to a clock, it still fits.
constexpr int64_t wait_ns_max = INT64_MAX / 2;

/// For what is due and how long something took.
inline int64_t steady_ns() noexcept {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// Since 1970, for scripts.
inline int64_t unix_ns() noexcept {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

/// Since 1970, for scripts.
inline int64_t unix_seconds() noexcept {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1);
}

/// What this thread has used of a core: a budget must not count the time that others had it.
inline int64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

} // namespace natterjack::runtime::lua
