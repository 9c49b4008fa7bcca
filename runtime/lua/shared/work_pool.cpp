#include "runtime/lua/shared/work_pool.hpp"

#include "hub/thread_name.hpp"

#include <spdlog/spdlog.h>

#include <exception>

namespace natterjack::runtime::lua {

namespace {

thread_local const std::atomic<bool>* stopped_here = nullptr;

// Nobody stands above a thread of the pool. Who waits for an answer gets one: see answering_work.hpp.
void run_caught(const std::function<void()>& work) noexcept {
  try {
    work();
  } catch (const std::exception& e) {
    spdlog::error("work for a process failed: {}", e.what());
  } catch (...) {
    spdlog::error("work for a process failed");
  }
}

} // namespace

bool work_pool::is_stopping() noexcept {
  return stopped_here != nullptr && *stopped_here;
}

void work_pool::run(std::function<void()> work) {
  {
    std::lock_guard guard(mutex_);
    if (stopped_)
      return;
    queue_.push_back(std::move(work));
    if (idle_ < queue_.size() && threads_.size() < threads_max_)
      threads_.emplace_back([this] { serve(); });
  }
  wake_.notify_one();
}

void work_pool::serve() {
  hub::name_thread("blocking");
  stopped_here = &stopped_;
  std::unique_lock guard(mutex_);
  while (!stopped_) {
    if (queue_.empty()) {
      ++idle_;
      wake_.wait(guard);
      --idle_;
      continue;
    }
    auto work = std::move(queue_.front());
    queue_.pop_front();
    guard.unlock();
    run_caught(work);
    work = nullptr;
    guard.lock();
  }
}

void work_pool::stop() {
  std::vector<std::thread> threads;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    queue_.clear();
    threads.swap(threads_);
  }
  wake_.notify_all();
  for (auto& one : threads)
    one.join();
}

} // namespace natterjack::runtime::lua
