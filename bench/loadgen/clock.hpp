// Clocks of the kernel, in nanoseconds.
#pragma once

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>

namespace natterjack::bench {

inline int64_t clock_ns(clockid_t id) {
  timespec t{};
  if (clock_gettime(id, &t) != 0)
    throw std::runtime_error(std::string("the server has ended or its clock cannot be read: ") +
                             std::strerror(errno));
  return int64_t{t.tv_sec} * 1'000'000'000 + t.tv_nsec;
}

inline int64_t now_ns() {
  return clock_ns(CLOCK_MONOTONIC);
}

inline int64_t as_ns(double seconds) {
  return static_cast<int64_t>(seconds * 1e9);
}

} // namespace natterjack::bench
