#include "runtime/lua/base/print_sink.hpp"

#include "hub/thread_name.hpp"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include <limits.h>
#include <poll.h>
#include <unistd.h>

namespace natterjack::runtime::lua {

print_sink::~print_sink() {
  {
    std::lock_guard guard(mutex_);
    stop_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
}

void print_sink::write(std::string_view line) {
  std::lock_guard guard(mutex_);
  if (queued_.size() + line.size() > bytes_max) {
    dropped_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  const bool was_empty = queued_.empty();
  queued_ += line;
  if (thread_.joinable()) {
    if (was_empty)
      wake_.notify_one();
    return;
  }
  try {
    thread_ = std::thread([this] {
      hub::name_thread(descriptor_ == STDERR_FILENO ? "stderr" : "stdout");
      run();
    });
  } catch (const std::system_error&) {
    // There is none to be had, which somebody is about to tell: written here, as fast as it is read.
    std::string bytes;
    bytes.swap(queued_);
    drain(bytes);
  }
}

void print_sink::run() {
  std::unique_lock guard(mutex_);
  for (;;) {
    wake_.wait(guard, [this] { return stop_ || !queued_.empty(); });
    if (queued_.empty())
      return;
    std::string bytes;
    bytes.swap(queued_);
    guard.unlock();
    drain(bytes);
    guard.lock();
  }
}

void print_sink::drain(const std::string& bytes) {
  constexpr int look_interval_ms = 100;
  size_t done = 0;
  while (done < bytes.size()) {
    pollfd writable{descriptor_, POLLOUT, 0};
    const int ready = ::poll(&writable, 1, look_interval_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) {
      if (stop_)
        return; // nobody reads, and we are leaving
      continue;
    }
    // A pipe that is writable takes PIPE_BUF bytes without blocking, not more.
    const auto count = std::min<size_t>(bytes.size() - done, PIPE_BUF);
    const auto written = ::write(descriptor_, bytes.data() + done, count);
    if (written > 0)
      done += static_cast<size_t>(written);
    else if (errno != EINTR && errno != EAGAIN)
      return; // closed: printing to nobody is no error
  }
}

} // namespace natterjack::runtime::lua
