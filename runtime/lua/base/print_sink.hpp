// Lines for standard output, written by a thread of its own: who prints never waits for who reads.
//
//   bound   bytes not yet written; lines beyond it are dropped and counted
//   end     what is queued is written, but a reader that does not read is not waited for
#pragma once

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

namespace natterjack::runtime::lua {

class print_sink {
 public:
  explicit print_sink(int descriptor) noexcept : descriptor_(descriptor) {}
  ~print_sink();
  print_sink(const print_sink&) = delete;
  print_sink& operator=(const print_sink&) = delete;

  void write(std::string_view line);
  uint64_t dropped() const noexcept { return dropped_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t bytes_max = 1u << 20;
  void run();
  void drain(const std::string& bytes);

  int descriptor_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::string queued_;
  std::atomic<bool> stop_{false};
  std::atomic<uint64_t> dropped_{0};
  std::thread thread_; // started by the first line
};

} // namespace natterjack::runtime::lua
