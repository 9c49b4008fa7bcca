#include "relay/http/wire.hpp"

#include <algorithm>
#include <cerrno>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>

namespace natterjack::relay {

namespace {

constexpr size_t parts_max = 64;

class plain_wire final : public http_wire {
 public:
  using http_wire::http_wire;

  result read(char* to, size_t size) override {
    return outcome(::recv(socket_.descriptor(), to, size, MSG_DONTWAIT), true);
  }

  result write(std::span<const std::string_view> parts) override {
    iovec list[parts_max];
    const auto count = std::min(parts.size(), parts_max);
    for (size_t i = 0; i < count; ++i)
      list[i] = {const_cast<char*>(parts[i].data()), parts[i].size()};
    msghdr all{};
    all.msg_iov = list;
    all.msg_iovlen = count;
    return outcome(::sendmsg(socket_.descriptor(), &all, MSG_NOSIGNAL | MSG_DONTWAIT), false);
  }

  result send_file(int descriptor, size_t offset, size_t size) override {
    auto from = static_cast<off_t>(offset);
    const auto n = ::sendfile(socket_.descriptor(), descriptor, &from, size);
    return n == 0 ? result{state::failed, 0} : outcome(n, false); // the file became shorter
  }

  state peek() override {
    char octet;
    return outcome(::recv(socket_.descriptor(), &octet, 1, MSG_PEEK | MSG_DONTWAIT), true).what;
  }

  void shut_down() override {
    ::shutdown(socket_.descriptor(), SHUT_WR);
  }

  bool is_secure() const noexcept override { return false; }

  stream_socket release(io_thread&, std::shared_ptr<void>) override { return std::move(socket_); }

 private:
  static result outcome(ssize_t n, bool reading) noexcept {
    if (n > 0)
      return {state::ok, static_cast<size_t>(n)};
    if (n == 0)
      return {reading ? state::closed : state::ok, 0};
    if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)
      return {reading ? state::want_read : state::want_write, 0};
    return {state::failed, 0};
  }
};

} // namespace

bool http_wire::peer_is_gone() noexcept {
  pollfd p{socket_.descriptor(), POLLRDHUP, 0};
  return p.fd < 0 || (::poll(&p, 1, 0) > 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

std::unique_ptr<http_wire> make_plain_wire(stream_socket socket) {
  return std::make_unique<plain_wire>(std::move(socket));
}

} // namespace natterjack::relay
