#include "runtime/admin/admin_client.hpp"

#include "runtime/admin/admin_path.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace natterjack::runtime {

namespace {

[[noreturn]] void fail(const std::string& text) { throw std::runtime_error(text); }

// Waits until the socket may be read or written.
void await(int descriptor, short what, std::chrono::steady_clock::time_point deadline) {
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    pollfd waiting{descriptor, what, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
    if (ready > 0)
      return;
    if (ready == 0)
      fail("the node did not answer in time");
    if (errno != EINTR)
      fail(std::strerror(errno));
  }
}

} // namespace

admin_client::admin_client(const std::filesystem::path& socket) : path_(socket.string()) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path_.size() >= sizeof address.sun_path)
    fail(path_ + ": too long for a socket's path");
  std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
  descriptor_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (descriptor_ < 0)
    fail(std::strerror(errno));
  if (connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    const int error = errno;
    ::close(descriptor_);
    fail("no node listens at " + path_ + " (" + std::strerror(error) + ")" +
         (error == EACCES ? "; ask as the user who runs it" : ""));
  }
}

admin_client::~admin_client() { ::close(descriptor_); }

nlohmann::json admin_client::ask(const nlohmann::json& request, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  const auto text = request.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + '\n';
  for (size_t done = 0; done < text.size();) {
    await(descriptor_, POLLOUT, deadline);
    const auto n = ::send(descriptor_, text.data() + done, text.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR)
      fail("the node went away");
    done += n > 0 ? static_cast<size_t>(n) : 0;
  }
  size_t end = 0;
  while ((end = input_.find('\n')) == std::string::npos) {
    await(descriptor_, POLLIN, deadline);
    char bytes[64 << 10];
    const auto n = ::recv(descriptor_, bytes, sizeof bytes, 0);
    if (n == 0 || (n < 0 && errno != EINTR))
      fail("the node went away");
    input_.append(bytes, n > 0 ? static_cast<size_t>(n) : 0);
  }
  auto answer = nlohmann::json::parse(input_.substr(0, end), nullptr, false);
  input_.erase(0, end + 1);
  if (!answer.is_object())
    fail(path_ + " is not the socket of a node: it does not answer in JSON");
  return answer;
}

std::filesystem::path choose_admin_socket(const std::string& socket, int process) {
  if (!socket.empty())
    return socket;
  if (process != 0)
    return admin_path(process);
  if (const char* said = std::getenv("NATTERJACK_ADMIN_SOCKET"); said != nullptr && *said != '\0')
    return said;
  const auto all = find_admin_sockets();
  if (all.size() == 1)
    return all.front();
  if (all.empty())
    fail("no node of this user runs here: no socket in " + admin_folder().string() +
         ". Start one with natterjack run DIR, or name its socket with --admin-socket PATH");
  std::string text = "several nodes run; say which with --node:";
  for (const auto& path : all) {
    text += "\n  --node " + path.stem().string();
    try {
      const auto about = admin_client(path).ask({{"command", "about"}}, std::chrono::seconds(2));
      text += "   " + about.value("node", "") + ", " + about.value("folder", "");
    } catch (const std::exception& e) {
      text += std::string("   ") + e.what();
    }
  }
  fail(text);
}

} // namespace natterjack::runtime
