#include "runtime/admin/admin_path.hpp"

#include <algorithm>
#include <charconv>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

// A node that was killed leaves its socket, and its number may be another program's by now.
bool is_abandoned(const fs::path& socket) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const auto& path = socket.native();
  if (path.size() >= sizeof address.sun_path)
    return false;
  std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const int probe = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (probe < 0)
    return false;
  const bool refused =
      connect(probe, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
      errno == ECONNREFUSED;
  ::close(probe);
  return refused;
}

} // namespace

fs::path admin_folder() {
  const char* runtime_folder = std::getenv("XDG_RUNTIME_DIR");
  std::error_code error;
  if (runtime_folder != nullptr && fs::is_directory(runtime_folder, error))
    return fs::path(runtime_folder) / "natterjack";
  return "/tmp/natterjack-" + std::to_string(geteuid());
}

fs::path admin_path(int process_id) {
  return admin_folder() / (std::to_string(process_id) + ".sock");
}

std::optional<std::string> prepare_admin_folder(const fs::path& socket) {
  const auto folder = admin_folder();
  if (socket.parent_path() != folder)
    return std::nullopt; // chosen by somebody who knows why
  if (mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
    return "cannot make " + folder.string() + ": " + std::strerror(errno);
  struct stat found {};
  if (lstat(folder.c_str(), &found) != 0)
    return "cannot look at " + folder.string() + ": " + std::strerror(errno);
  if (!S_ISDIR(found.st_mode) || found.st_uid != geteuid() || (found.st_mode & 077) != 0)
    return folder.string() + " is not a folder that belongs to this user alone (mode 0700)";
  return std::nullopt;
}

std::vector<fs::path> find_admin_sockets() {
  std::vector<fs::path> alive;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(admin_folder(), error)) {
    const auto name = file.path().stem().string();
    int process_id = 0;
    const auto end = std::from_chars(name.data(), name.data() + name.size(), process_id).ptr;
    if (file.path().extension() != ".sock" || end != name.data() + name.size() || process_id <= 0)
      continue;
    if (kill(process_id, 0) != 0 && errno == ESRCH)
      fs::remove(file.path(), error);
    else if (!is_abandoned(file.path())) // not removed: a node that starts refuses for a moment, too
      alive.push_back(file.path());
  }
  std::sort(alive.begin(), alive.end());
  return alive;
}

} // namespace natterjack::runtime
