// Starting a command of the operating system from a program with threads, and hearing of its end.
//
//   own process group, default signals, no descriptor of ours but its three pipes; dies with the server
//   its end is a readable pidfd: no SIGCHLD, no thread
//   orphans of commands are ours to reap, also those that have left their group
//
// Between vfork and exec the child shares our memory and may only make system calls: all it needs is
// prepared before.
#pragma once

#include <sys/resource.h>
#include <sys/types.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace natterjack::pow {

struct child_user {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;
};

struct child_plan {
  std::string program; ///< path
  std::vector<std::string> argv;
  std::vector<std::string> environment; ///< "NAME=value"
  std::string directory;                ///< empty: ours
  std::optional<child_user> user;
  std::vector<std::pair<int, rlimit>> limits; ///< resource (RLIMIT_…) and its bound
  enum class errors : uint8_t { merged, piped, dropped } error_output = errors::merged;
};

/// A started command. Descriptors are ours to close, non-blocking, closed on exec; -1 if not there.
struct started_child {
  pid_t pid = -1; ///< also its process group
  int pidfd = -1;
  int input = -1;
  int output = -1;
  int errors = -1;
};

/// @throws std::system_error  what() names the step that failed and the program
started_child start_child(const child_plan& plan);

/// How a command ended.
struct child_end {
  int exit_code = 0;
  int signal = 0; ///< not 0: it was killed by that
};

/// The end of a child whose pidfd is readable. Kills what is left of its group before the number of the
/// group can be used again, then reaps it.
child_end reap_child(const started_child& child) noexcept;

/// Reaps what a command has left behind: what loses its parent becomes our child, as `start_child` has asked
/// the kernel for, since nobody says that process 1 of a container reaps anybody.
/// @param group  of an ended command
/// @returns false once nobody of that group is left; ask again a moment later otherwise
bool reap_orphans(pid_t group) noexcept;
/// The same for all others, at most once a second.
void reap_stray_orphans() noexcept;

/// Finds a user and its groups. @returns nothing if there is none of that name
std::optional<child_user> find_user(const std::string& name);

/// The path of an executable: `name` itself if it has a slash, else the first in PATH.
/// @returns empty if there is none
std::string find_program(const std::string& name);

} // namespace natterjack::pow
