// Coarse timers of one io thread: heartbeats, pings, time-outs. One clock for all connections.
//
// A timer is a member of whoever waits: setting one allocates nothing. Resolution is 10 ms, timers never
// fire early. Slots cover 40 s; later ones wait for another round. Not thread-safe: owner thread only.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>

namespace natterjack::relay {

class timer_wheel {
 public:
  using clock = std::chrono::steady_clock;

  /// Derive or hold one, set `owner` and `fire`. Destroying a set timer cancels it.
  class timer {
   public:
    using callback = void (*)(void* owner);
    timer(void* owner, callback fire) noexcept : owner_(owner), fire_(fire) {}
    ~timer() { cancel(); }
    timer(const timer&) = delete;
    timer& operator=(const timer&) = delete;
    bool is_set() const noexcept { return wheel_ != nullptr; }
    void cancel() noexcept;

   private:
    friend class timer_wheel;
    timer* next_ = nullptr;
    timer* previous_ = nullptr;
    timer_wheel* wheel_ = nullptr;
    uint64_t tick_ = 0;
    void* owner_;
    callback fire_;
  };

  explicit timer_wheel(clock::time_point start = clock::now()) noexcept : start_(start) {}
  ~timer_wheel();

  /// Fires `t` once, `delay` from now or a little later; a set timer is moved.
  void set(timer& t, clock::duration delay, clock::time_point now = clock::now()) noexcept;

  /// Fires what is due. Callbacks may set and cancel any timer and destroy their owner.
  void advance(clock::time_point now = clock::now());

  bool empty() const noexcept { return count_ == 0; }
  /// When `advance` has something to do at the earliest; meaningless when empty.
  clock::time_point next() const noexcept;

 private:
  static constexpr auto resolution = std::chrono::milliseconds(10);
  static constexpr size_t slot_count = 4096;

  void link(timer& t) noexcept;
  uint64_t tick_at(clock::time_point when) const noexcept {
    return when <= start_ ? 0 : static_cast<uint64_t>((when - start_) / resolution);
  }

  clock::time_point start_;
  uint64_t done_ = 0; // every slot up to this tick has been fired
  size_t count_ = 0;
  std::array<timer*, slot_count> slots_{};
  std::array<uint64_t, slot_count / 64> used_{}; // a bit for each slot that is not empty
};

} // namespace natterjack::relay
