#include "actors/pow/child_process.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <grp.h>
#include <mutex>
#include <pwd.h>
#include <set>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <system_error>
#include <unistd.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

namespace natterjack::pow {

namespace {

class descriptor {
 public:
  descriptor() = default;
  explicit descriptor(int fd) noexcept : fd_(fd) {}
  descriptor(descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  descriptor& operator=(descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~descriptor() {
    if (fd_ >= 0)
      ::close(fd_);
  }
  int get() const noexcept { return fd_; }
  int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_ = -1;
};

[[noreturn]] void fail(int error, const std::string& what) {
  throw std::system_error(error, std::generic_category(), what);
}

// Above the standard three, so that putting them there never covers one that is still needed.
descriptor above_standard(int fd) {
  if (fd > STDERR_FILENO)
    return descriptor(fd);
  descriptor moved(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
  const int error = errno;
  ::close(fd);
  if (moved.get() < 0)
    fail(error, "cannot move a descriptor");
  return moved;
}

struct pipe_ends {
  descriptor reading;
  descriptor writing;
};

pipe_ends make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    fail(errno, "cannot make a pipe");
  descriptor second(ends[1]);
  pipe_ends result;
  result.reading = above_standard(ends[0]);
  result.writing = above_standard(second.release());
  return result;
}

void set_non_blocking(int fd) { ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK); }

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> result;
  for (const auto& text : texts)
    result.push_back(const_cast<char*>(text.c_str()));
  result.push_back(nullptr);
  return result;
}

// All the child needs, and where it writes what went wrong: the parent sleeps until it has gone.
struct launch {
  const char* program;
  char* const* argv;
  char* const* environment;
  const char* directory; // or null
  const child_user* user;
  const std::pair<int, rlimit>* limits;
  size_t limit_count;
  int input;
  int output;
  int errors;
  sigset_t old_mask;
  const char* failed_step;
  int failed_error;
};

[[noreturn]] void give_up(launch& l, const char* step) noexcept {
  l.failed_step = step;
  l.failed_error = errno;
  ::_exit(127);
}

// Runs in the child. What the server itself may not exceed bounds the command as well.
bool set_limit(int resource, const rlimit& wanted) noexcept {
  if (::syscall(SYS_prlimit64, 0, resource, &wanted, nullptr) == 0)
    return true;
  rlimit own{};
  if (errno != EPERM || ::syscall(SYS_prlimit64, 0, resource, nullptr, &own) != 0)
    return false;
  const rlimit possible{std::min(wanted.rlim_cur, own.rlim_max),
                        std::min(wanted.rlim_max, own.rlim_max)};
  return ::syscall(SYS_prlimit64, 0, resource, &possible, nullptr) == 0;
}

// Runs in the child. System calls only, and not glibc's set*id: those would tell our own threads.
[[noreturn]] void become(launch& l) noexcept {
  if (::setpgid(0, 0) != 0)
    give_up(l, "set the process group of");
  if (::dup2(l.input, STDIN_FILENO) < 0 || ::dup2(l.output, STDOUT_FILENO) < 0 ||
      ::dup2(l.errors, STDERR_FILENO) < 0)
    give_up(l, "connect the pipes of");
  for (size_t i = 0; i < l.limit_count; ++i)
    if (!set_limit(l.limits[i].first, l.limits[i].second))
      give_up(l, "set the limits of");
  if (l.user != nullptr &&
      (::syscall(SYS_setgroups, l.user->groups.size(), l.user->groups.data()) != 0 ||
       ::syscall(SYS_setresgid, l.user->gid, l.user->gid, l.user->gid) != 0 ||
       ::syscall(SYS_setresuid, l.user->uid, l.user->uid, l.user->uid) != 0))
    give_up(l, "change the user of");
  if (l.directory != nullptr && ::chdir(l.directory) != 0)
    give_up(l, "enter the directory of");
  ::prctl(PR_SET_PDEATHSIG, SIGKILL); // behind the change of user, which clears it
  ::syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
  struct sigaction standard {};
  standard.sa_handler = SIG_DFL;
  for (int s = 1; s < NSIG; ++s)
    ::sigaction(s, &standard, nullptr);
  sigset_t none;
  sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(l.program, l.argv, l.environment);
  give_up(l, "run");
}

// Apart, so that no local of the caller lives across the double return.
[[gnu::noinline]] pid_t launch_child(launch& l) noexcept {
  sigset_t all;
  sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &l.old_mask); // no handler may run in the child's borrowed memory
  const pid_t pid = ::vfork();
  if (pid == 0)
    become(l);
  const int error = errno;
  ::pthread_sigmask(SIG_SETMASK, &l.old_mask, nullptr);
  errno = error;
  return pid;
}

// Commands that run. Any other child that has ended is an orphan one of them has left behind. Held also while
// a command is started or reaped, so that nobody takes it for the other kind in between.
struct book {
  std::mutex mutex;
  std::set<pid_t> running;
};

book& commands() {
  static book all;
  return all;
}

// Ended children nobody waits for. @pre the book is locked
void sweep(const std::set<pid_t>& running) noexcept {
  for (int found = 0; found < 1000; ++found) {
    siginfo_t info{};
    if (::waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid == 0 ||
        running.count(info.si_pid) != 0) // that one is reaped by its owner soon
      return;
    ::waitid(P_PID, static_cast<id_t>(info.si_pid), &info, WEXITED | WNOHANG);
  }
}

} // namespace

bool reap_orphans(pid_t group) noexcept {
  std::lock_guard guard(commands().mutex);
  // Members keep the number of their group from being given away; without any, it may be a new command's.
  while (commands().running.count(group) == 0) {
    siginfo_t info{};
    if (::waitid(P_PGID, static_cast<id_t>(group), &info, WEXITED | WNOHANG) != 0)
      break;
    if (info.si_pid == 0)
      return true;
  }
  sweep(commands().running);
  return false;
}

void reap_stray_orphans() noexcept {
  static std::atomic<int64_t> next{0};
  const int64_t now = std::chrono::steady_clock::now().time_since_epoch() / std::chrono::seconds(1);
  auto due = next.load();
  if (now < due || !next.compare_exchange_strong(due, now + 1))
    return;
  std::lock_guard guard(commands().mutex);
  sweep(commands().running);
}

started_child start_child(const child_plan& plan) {
  auto argv = pointers(plan.argv);
  auto environment = pointers(plan.environment);
  auto input = make_pipe();
  auto output = make_pipe();
  pipe_ends errors;
  descriptor nowhere;
  if (plan.error_output == child_plan::errors::piped)
    errors = make_pipe();
  else if (plan.error_output == child_plan::errors::dropped)
    nowhere = above_standard(::open("/dev/null", O_WRONLY | O_CLOEXEC));

  launch l{};
  l.program = plan.program.c_str();
  l.argv = argv.data();
  l.environment = environment.data();
  l.directory = plan.directory.empty() ? nullptr : plan.directory.c_str();
  l.user = plan.user ? &*plan.user : nullptr;
  l.limits = plan.limits.data();
  l.limit_count = plan.limits.size();
  l.input = input.reading.get();
  l.output = output.writing.get();
  l.errors = plan.error_output == child_plan::errors::merged  ? output.writing.get()
             : plan.error_output == child_plan::errors::piped ? errors.writing.get()
                                                              : nowhere.get();
  static const int adopts = ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  static_cast<void>(adopts); // without it, orphans are left to process 1, as ever
  std::lock_guard guard(commands().mutex);
  const pid_t pid = launch_child(l);
  if (pid < 0)
    fail(errno, "cannot start " + plan.program);
  if (l.failed_step != nullptr) {
    int ignored = 0;
    while (::waitpid(pid, &ignored, 0) < 0 && errno == EINTR) {
    }
    fail(l.failed_error, "cannot " + std::string(l.failed_step) + " " + plan.program);
  }
  started_child result;
  result.pid = pid;
  result.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)); // closed on exec by itself
  if (result.pidfd < 0) {
    const int error = errno;
    ::kill(-pid, SIGKILL);
    int ignored = 0;
    while (::waitpid(pid, &ignored, 0) < 0 && errno == EINTR) {
    }
    fail(error, "cannot watch " + plan.program);
  }
  commands().running.insert(pid);
  result.input = input.writing.release();
  result.output = output.reading.release();
  result.errors = errors.reading.release();
  for (const int fd : {result.input, result.output, result.errors})
    if (fd >= 0)
      set_non_blocking(fd);
  return result;
}

child_end reap_child(const started_child& child) noexcept {
  // Not reaped yet, the leader still keeps the number of its group from being given away.
  ::kill(-child.pid, SIGKILL);
  std::lock_guard guard(commands().mutex);
  commands().running.erase(child.pid);
  siginfo_t info{};
  while (::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(child.pidfd), &info, WEXITED) <
             0 &&
         errno == EINTR) {
  }
  child_end result;
  if (info.si_code == CLD_EXITED)
    result.exit_code = info.si_status;
  else
    result.signal = info.si_status;
  return result;
}

std::optional<child_user> find_user(const std::string& name) {
  std::vector<char> buffer(16 << 10);
  passwd entry{};
  passwd* found = nullptr;
  if (::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 ||
      found == nullptr)
    return std::nullopt;
  child_user user{entry.pw_uid, entry.pw_gid, {}};
  int count = 64;
  user.groups.resize(static_cast<size_t>(count));
  if (::getgrouplist(name.c_str(), entry.pw_gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<size_t>(count));
    ::getgrouplist(name.c_str(), entry.pw_gid, user.groups.data(), &count);
  }
  user.groups.resize(static_cast<size_t>(count));
  return user;
}

std::string find_program(const std::string& name) {
  if (name.find('/') != std::string::npos)
    return name;
  const char* path = std::getenv("PATH");
  std::string_view list = path == nullptr ? "/usr/local/bin:/usr/bin:/bin" : path;
  for (;;) {
    const auto colon = list.find(':');
    auto candidate = std::string(list.substr(0, colon)) + "/" + name;
    if (::access(candidate.c_str(), X_OK) == 0)
      return candidate;
    if (colon == std::string_view::npos)
      return {};
    list.remove_prefix(colon + 1);
  }
}

} // namespace natterjack::pow
