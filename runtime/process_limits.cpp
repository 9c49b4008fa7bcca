#include "runtime/process_limits.hpp"

#include <cerrno>
#include <filesystem>
#include <latch>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace natterjack::runtime {

void fill_standard_streams() noexcept {
  for (int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(stream, F_GETFD) < 0 && errno == EBADF)
      (void)::open("/dev/null", O_RDWR); // the lowest free number, which is this one
}

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void check_descriptors(size_t more) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY)
    return;
  std::error_code error;
  size_t open = 0;
  for (std::filesystem::directory_iterator at("/proc/self/fd", error), end; !error && at != end;
       at.increment(error))
    ++open;
  if (open != 0)
    --open; // the one of looking
  if (limit.rlim_cur < open + more)
    throw std::runtime_error("the limit of descriptors, " + std::to_string(limit.rlim_cur) +
                             ", is too low: at least " + std::to_string(open + more) +
                             " are needed, and one more for each client (LimitNOFILE, ulimit -n)");
}

void check_threads(size_t count) {
  std::vector<std::thread> threads;
  threads.reserve(count);
  std::latch over(1);
  std::string why;
  try {
    while (threads.size() < count)
      threads.emplace_back([&over] { over.wait(); });
  } catch (const std::system_error& e) {
    why = e.code().message();
  }
  const auto started = threads.size();
  over.count_down();
  for (auto& one : threads)
    one.join();
  if (!why.empty())
    throw std::runtime_error("cannot start thread " + std::to_string(started + 1) + " of " +
                             std::to_string(count) + ": " + why +
                             " (the limit of tasks: TasksMax, ulimit -u)");
}

} // namespace natterjack::runtime
