#include "batch_sender.hpp"

#ifdef NATTERJACK_HAS_URING

#include <liburing.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <stdexcept>

namespace natterjack::bench {

namespace {

constexpr unsigned entries = 1024;

class uring_sender final : public batch_sender {
 public:
  uring_sender(io_uring ring, size_t sockets) : ring_(ring), sockets_(sockets) {}
  ~uring_sender() override { io_uring_queue_exit(&ring_); }
  uring_sender(const uring_sender&) = delete;
  uring_sender& operator=(const uring_sender&) = delete;

  void send_to_all(const char* bytes, size_t size) override {
    for (size_t first = 0; first < sockets_; first += entries) {
      const auto count = std::min<size_t>(entries, sockets_ - first);
      for (size_t i = 0; i < count; ++i) {
        auto* wish = io_uring_get_sqe(&ring_);
        io_uring_prep_send(wish, static_cast<int>(first + i), bytes, size,
                           MSG_NOSIGNAL | MSG_DONTWAIT);
        wish->flags |= IOSQE_FIXED_FILE;
      }
      if (io_uring_submit_and_wait(&ring_, static_cast<unsigned>(count)) < 0)
        throw std::runtime_error("io_uring: submitting failed");
      reap(count, size);
    }
  }

 private:
  void reap(size_t count, size_t size) {
    unsigned head = 0, seen = 0;
    io_uring_cqe* done = nullptr;
    io_uring_for_each_cqe(&ring_, head, done) {
      if (done->res != static_cast<int>(size))
        throw std::runtime_error(std::string("io_uring: a send gave ") +
                                 (done->res < 0 ? std::strerror(-done->res) : "a part"));
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
    if (seen != count)
      throw std::runtime_error("io_uring: an answer is missing");
  }

  io_uring ring_;
  size_t sockets_;
};

} // namespace

std::unique_ptr<batch_sender> make_batch_sender(const std::vector<int>& sockets,
                                                std::string& why) {
  io_uring ring{};
  if (const int e = io_uring_queue_init(entries, &ring, IORING_SETUP_SINGLE_ISSUER); e < 0) {
    why = std::string("the kernel refuses io_uring: ") + std::strerror(-e);
    return nullptr;
  }
  if (const int e = io_uring_register_files(&ring, sockets.data(),
                                            static_cast<unsigned>(sockets.size()));
      e < 0) {
    why = std::string("io_uring does not take the sockets: ") + std::strerror(-e);
    io_uring_queue_exit(&ring);
    return nullptr;
  }
  return std::make_unique<uring_sender>(ring, sockets.size());
}

} // namespace natterjack::bench

#else

namespace natterjack::bench {

std::unique_ptr<batch_sender> make_batch_sender(const std::vector<int>&, std::string& why) {
  why = "built without liburing";
  return nullptr;
}

} // namespace natterjack::bench

#endif
