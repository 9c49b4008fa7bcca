#include "relay/batch_writer.hpp"

#include "relay/outbox.hpp"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <sys/socket.h>
#include <utility>

#ifdef NATTERJACK_HAS_URING
#include <liburing.h>
#endif

namespace natterjack::relay {

namespace {

constexpr size_t writes_max = 256;

} // namespace

#ifdef NATTERJACK_HAS_URING

struct batch_writer::ring {
  io_uring queue{};
  ~ring() { io_uring_queue_exit(&queue); }
};

bool batch_writer::begin() noexcept {
  if (ring_ || refused_)
    return ring_ != nullptr;
  try {
    io_uring made{};
    const int e = io_uring_queue_init(writes_max, &made, IORING_SETUP_SUBMIT_ALL);
    if (e == 0) {
      ring_ = std::make_unique<ring>();
      ring_->queue = made;
      waiting_.reserve(writes_max);
      return true;
    }
    spdlog::debug("writing without io_uring: {}", std::strerror(-e));
  } catch (const std::bad_alloc&) {
  }
  refused_ = true;
  return false;
}

// Every write that the kernel was given has an answer at the end; what it did not take is as if the socket
// had been full: the outbox sends it by itself.
void batch_writer::write(std::vector<entry>& all) noexcept {
  constexpr int attempts_max = 100;
  auto& queue = ring_->queue;
  for (size_t i = 0; i < all.size(); ++i) {
    auto* wish = io_uring_get_sqe(&queue);
    auto& one = all[i];
    one.result = -EIO;
    io_uring_prep_send(wish, one.descriptor, one.bytes.data() + one.skip,
                       one.bytes.size() - one.skip, MSG_NOSIGNAL | MSG_DONTWAIT);
    io_uring_sqe_set_data64(wish, i);
  }
  size_t answered = 0;
  for (int attempts = 0; answered < all.size() && attempts < attempts_max;) {
    const auto left = static_cast<unsigned>(all.size() - answered);
    if (io_uring_submit_and_wait(&queue, left) < 0)
      ++attempts; // interrupted, or short of memory
    unsigned head = 0, seen = 0;
    io_uring_cqe* done = nullptr;
    io_uring_for_each_cqe(&queue, head, done) {
      all[io_uring_cqe_get_data64(done)].result = done->res;
      ++seen;
    }
    io_uring_cq_advance(&queue, seen);
    answered += seen;
  }
  if (answered == all.size())
    return;
  for (auto i = all.size() - std::min<size_t>(all.size(), io_uring_sq_ready(&queue)); i < all.size();
       ++i)
    all[i].result = -EAGAIN;
  for (const auto& one : all)
    if (one.result == -EIO)
      ::shutdown(one.descriptor, SHUT_RDWR); // nobody knows how much of it has gone
  spdlog::error("io_uring gives no answers; writing without it from now on");
  ring_.reset();
  refused_ = true;
}

#else

struct batch_writer::ring {};
bool batch_writer::begin() noexcept { return false; }
void batch_writer::write(std::vector<entry>&) noexcept {}

#endif

batch_writer::~batch_writer() = default;

batch_writer* batch_writer::of_thread() noexcept {
  thread_local batch_writer own;
  return own.begin() ? &own : nullptr;
}

void batch_writer::add(outbox& who, int descriptor, hub::shared_bytes bytes, size_t skip,
                       size_t messages) {
  if (waiting_.size() == writes_max)
    submit();
  waiting_.push_back({&who, descriptor, std::move(bytes), skip, messages, 0});
}

void batch_writer::submit() noexcept {
  if (!written_.empty())
    return; // asked for by an outbox that is being told: the call below goes on
  while (!waiting_.empty()) {
    waiting_.swap(written_);
    if (ring_)
      write(written_);
    else
      for (auto& one : written_)
        one.result = -EAGAIN;
    for (size_t i = 0; i < written_.size(); ++i)
      if (auto* who = std::exchange(written_[i].who, nullptr))
        who->on_batch_written(std::move(written_[i].bytes), written_[i].messages,
                              written_[i].result);
    written_.clear();
  }
}

void batch_writer::forget(outbox& who) noexcept {
  auto* here = of_thread();
  if (here == nullptr)
    return;
  for (auto* list : {&here->waiting_, &here->written_})
    for (auto& one : *list)
      if (one.who == &who)
        one.who = nullptr;
  here->submit(); // while its descriptor is its own
}

batch_writer::scope::scope(bool is_worth_it) noexcept {
  if (!is_worth_it || open_ != nullptr)
    return;
  open_ = of_thread();
  is_outer_ = open_ != nullptr;
}

batch_writer::scope::~scope() {
  if (!is_outer_)
    return;
  open_->submit();
  open_ = nullptr;
}

} // namespace natterjack::relay
