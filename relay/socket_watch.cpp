#include "relay/socket_watch.hpp"

#include <cerrno>
#include <system_error>
#include <utility>

namespace natterjack::relay {

namespace asio = boost::asio;

namespace {

constexpr uint32_t always = EPOLLIN | EPOLLRDHUP | EPOLLET;

int new_set() {
  const int set = ::epoll_create1(EPOLL_CLOEXEC);
  if (set < 0)
    throw std::system_error(errno, std::generic_category(), "cannot make an epoll set");
  return set;
}

} // namespace

socket_watch::socket_watch(asio::io_context& context)
    : asio::io_context::service(context), set_(context, new_set()) {
  wait();
}

void socket_watch::add(int descriptor, socket_owner& owner) {
  epoll_event wish{always, {.ptr = &owner}};
  if (::epoll_ctl(set_.native_handle(), EPOLL_CTL_ADD, descriptor, &wish) != 0)
    throw std::system_error(errno, std::generic_category(), "cannot watch a socket");
}

// Asked for anew each time: what has room already is told of at once.
void socket_watch::wait_for_room(int descriptor, socket_owner& owner) noexcept {
  epoll_event wish{always | EPOLLOUT, {.ptr = &owner}};
  ::epoll_ctl(set_.native_handle(), EPOLL_CTL_MOD, descriptor, &wish);
}

void socket_watch::remove(int descriptor, const socket_owner& owner) noexcept {
  if (set_.is_open())
    ::epoll_ctl(set_.native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
  for (size_t i = told_; i < count_; ++i)
    if (found_[i].data.ptr == &owner)
      found_[i].data.ptr = nullptr;
}

void socket_watch::hold(const socket_owner& owner, std::shared_ptr<void> self) {
  held_.insert_or_assign(&owner, std::move(self));
}

std::shared_ptr<void> socket_watch::let_go(const socket_owner& owner) noexcept {
  auto found = held_.extract(&owner);
  return found ? std::move(found.mapped()) : nullptr;
}

void socket_watch::shutdown() {
  // No timer ends their waiting any more; they are still removed from the set, so that comes later.
  std::exchange(held_, {}).clear();
  boost::system::error_code ignored;
  set_.close(ignored);
}

void socket_watch::wait() {
  set_.async_wait(asio::posix::stream_descriptor::wait_read,
                  [this](const boost::system::error_code& ec) {
                    if (!ec)
                      look();
                  });
}

// One round; what did not fit is found in the next, behind what others have to do on this thread.
void socket_watch::look() {
  const int found = ::epoll_wait(set_.native_handle(), found_.data(), events_a_round, 0);
  count_ = found > 0 ? static_cast<size_t>(found) : 0;
  for (told_ = 0; told_ < count_;) {
    const auto& one = found_[told_++];
    if (one.data.ptr != nullptr)
      static_cast<socket_owner*>(one.data.ptr)->on_socket_event(one.events);
  }
  count_ = told_ = 0;
  wait();
}

} // namespace natterjack::relay
