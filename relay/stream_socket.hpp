// A connected, non-blocking stream socket, of which Asio hears only when somebody has to wait for it.
//
// Most requests are there when their client is accepted, and most websockets are taken over right after
// them: such a socket never stands in Asio's epoll set, which would cost two system calls and a descriptor's
// state.
#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>

#include <memory>
#include <unistd.h>
#include <utility>

namespace natterjack::relay {

/// All of it on the thread of its io_context.
class stream_socket {
 public:
  using tcp = boost::asio::ip::tcp;

  /// @param descriptor  non-blocking; closed with this object
  stream_socket(boost::asio::io_context& context, int descriptor) noexcept
      : context_(&context), descriptor_(descriptor) {}
  stream_socket(stream_socket&& from) noexcept
      : context_(from.context_), descriptor_(std::exchange(from.descriptor_, -1)),
        known_(std::move(from.known_)) {}
  stream_socket& operator=(stream_socket&&) = delete;
  ~stream_socket() { close(); }

  int descriptor() const noexcept { return descriptor_; } ///< -1: closed, or given away

  /// @param done  called with an error_code, never from here; an error if the socket is closed meanwhile
  template <class Done>
  void async_wait(tcp::socket::wait_type what, Done&& done) {
    if (const auto failed = introduce())
      boost::asio::post(*context_, [done = std::forward<Done>(done), failed]() mutable { done(failed); });
    else
      known_->async_wait(what, std::forward<Done>(done));
  }

  void close() noexcept {
    boost::system::error_code ignored;
    if (known_)
      known_->close(ignored);
    else if (descriptor_ >= 0)
      ::close(descriptor_);
    known_.reset();
    descriptor_ = -1;
  }

  /// The descriptor, no longer closed by this object. What waits for it hears of an error.
  int release() {
    if (known_)
      known_->release();
    known_.reset();
    return std::exchange(descriptor_, -1);
  }

  /// The same as a socket of Asio's.
  /// @throws boost::system::system_error  no memory in the kernel
  tcp::socket to_asio() {
    if (const auto failed = introduce())
      throw boost::system::system_error(failed, "cannot watch a socket");
    known_->non_blocking(true);
    descriptor_ = -1;
    return std::move(*std::exchange(known_, nullptr));
  }

 private:
  boost::system::error_code introduce() {
    boost::system::error_code failed;
    if (known_)
      return failed;
    // Asio does not ask what a descriptor is; nobody asks this socket for TCP's options or addresses.
    auto made = std::make_unique<tcp::socket>(*context_);
    made->assign(tcp::v4(), descriptor_, failed);
    if (!failed)
      known_ = std::move(made);
    return failed;
  }

  boost::asio::io_context* context_;
  int descriptor_;
  std::unique_ptr<tcp::socket> known_;
};

} // namespace natterjack::relay
