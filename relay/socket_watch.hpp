// Sockets of an io thread that wait for bytes with nothing held for it: no pending operation, no buffer.
//
// Asio's way to wait for bytes is a read that is tried at once: each message costs one read that finds
// nothing, and a silent client holds the operation, its buffer and a descriptor's state. Here a socket is
// registered once, edge-triggered, in an epoll set of the thread's own, and that set is what Asio waits
// for.
//
//   add, remove       while a socket is watched its owner hears of everything that happens to it, also
//                     while it does not want to read: it remembers that there is something
//   wait_for_room     it hears of room to write as well, from now on
//   hold, let_go      an owner that closes slowly, with nobody else left to hold it; the end of the loop
//                     lets go of all
//   never             tells of a socket that has been removed, not even within one round
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <sys/epoll.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_map>

namespace natterjack::relay {

/// Who owns a watched socket.
class socket_owner {
 public:
  /// @param events  EPOLLIN, EPOLLRDHUP, EPOLLOUT, ...; told once for each change, not while it lasts
  virtual void on_socket_event(uint32_t events) = 0;

 protected:
  ~socket_owner() = default;
};

/// All of it on the thread of its io_context: `use_service<socket_watch>(context)`.
class socket_watch final : public boost::asio::io_context::service {
 public:
  static inline boost::asio::io_context::id id;

  /// @throws std::system_error  no descriptor left
  explicit socket_watch(boost::asio::io_context& context);

  /// @throws std::system_error  no memory in the kernel
  void add(int descriptor, socket_owner& owner);
  void wait_for_room(int descriptor, socket_owner& owner) noexcept;
  /// Before the descriptor is closed: a child process may hold it a moment longer.
  void remove(int descriptor, const socket_owner& owner) noexcept;

  void hold(const socket_owner& owner, std::shared_ptr<void> self);
  /// @returns what was held, for the caller to release when it has done; null: nothing was
  std::shared_ptr<void> let_go(const socket_owner& owner) noexcept;

 private:
  void shutdown() override;
  void wait();
  void look();

  static constexpr size_t events_a_round = 256;

  boost::asio::posix::stream_descriptor set_;
  std::array<epoll_event, events_a_round> found_{};
  size_t told_ = 0;  // of what was found: owners that have been told
  size_t count_ = 0; // found in this round
  std::unordered_map<const socket_owner*, std::shared_ptr<void>> held_;
};

} // namespace natterjack::relay
