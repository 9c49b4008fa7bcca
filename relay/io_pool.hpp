// The io threads of the node; gateways hand each new client to the next one.
#pragma once

#include "relay/io_thread.hpp"

#include <atomic>
#include <memory>
#include <vector>

namespace natterjack::relay {

class io_pool {
 public:
  /// @param threads  at least one
  io_pool(caf::actor_system& system, size_t threads) {
    for (size_t i = 0; i < std::max<size_t>(threads, 1); ++i)
      threads_.push_back(std::make_unique<io_thread>(system));
  }

  void start() {
    for (size_t i = 0; i < threads_.size(); ++i)
      threads_[i]->start(i);
  }
  void stop() {
    for (auto& t : threads_)
      t->stop();
  }

  size_t size() const noexcept { return threads_.size(); }
  io_thread& front() noexcept { return *threads_.front(); }
  io_thread& next() noexcept {
    return *threads_[next_.fetch_add(1, std::memory_order_relaxed) % threads_.size()];
  }

 private:
  std::vector<std::unique_ptr<io_thread>> threads_;
  std::atomic<size_t> next_{0};
};

} // namespace natterjack::relay
