// Times, counted in buckets no wider than 1/64 of their value: percentiles of any number of them.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace natterjack::bench {

class histogram {
 public:
  void record(int64_t ns) {
    auto value = static_cast<uint64_t>(std::max<int64_t>(ns, 0));
    ++buckets_[index_of(value)];
    ++count_;
    max_ = std::max(max_, value);
  }

  void clear() { *this = histogram{}; }

  /// @returns microseconds below which the given share (0..1) of the values lies, 0 when empty
  double percentile_us(double share) const {
    auto wanted = static_cast<uint64_t>(share * static_cast<double>(count_));
    uint64_t seen = 0;
    for (size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > wanted)
        return static_cast<double>(std::min(middle_of(i), max_)) / 1e3;
    }
    return max_us();
  }

  double max_us() const { return static_cast<double>(max_) / 1e3; }

 private:
  static size_t index_of(uint64_t value) {
    if (value < 64)
      return value;
    auto shift = static_cast<unsigned>(std::bit_width(value)) - 7;
    return (shift + 1) * 64 + ((value >> shift) - 64);
  }

  static uint64_t middle_of(size_t index) {
    if (index < 64)
      return index;
    auto shift = index / 64 - 1;
    return ((index % 64 + 64) << shift) + ((uint64_t{1} << shift) / 2);
  }

  std::array<uint64_t, 64 * 59> buckets_{};
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

} // namespace natterjack::bench
