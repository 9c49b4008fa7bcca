// A few threads for what blocks: databases, files, standard input. No process waits on them, they
// answer (reply.hpp).
//
//   run, work      runs on one of the threads, in the order given as far as one is free
//   stop           what has not begun is dropped; waits for what runs
//   is_stopping    asked by work that lasts, so that nobody waits for it
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace natterjack::runtime::lua {

class work_pool {
 public:
  explicit work_pool(size_t threads_max = 4) : threads_max_(threads_max) {}
  ~work_pool() { stop(); }
  work_pool(const work_pool&) = delete;
  work_pool& operator=(const work_pool&) = delete;

  void run(std::function<void()> work);
  void stop();
  /// Whether the pool whose thread calls this has been told to stop; false on all other threads.
  static bool is_stopping() noexcept;

 private:
  void serve();

  const size_t threads_max_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<std::function<void()>> queue_;
  std::vector<std::thread> threads_; // made when they are first needed
  size_t idle_ = 0;
  std::atomic<bool> stopped_{false}; // written with the mutex held
};

} // namespace natterjack::runtime::lua
