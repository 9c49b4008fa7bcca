// Writes of one turn handed to the kernel together, by io_uring: one system call for up to 256 sockets,
// which makes a small write a quarter cheaper than `send` does.
//
//   scope     while one lives, outboxes of this thread may add what they would have sent; at its end, and
//             whenever 256 are together, all is written and each hears what became of it
//   add       one write of an outbox; it adds no second one before it has heard of the first
//   absent    built without liburing, or the kernel refuses: `open_here` is null and outboxes send by
//             themselves. Waiting for sockets is asio's business (epoll) in any case
#pragma once

#include "hub/shared_bytes.hpp"

#include <cstddef>
#include <memory>
#include <vector>

namespace natterjack::relay {

class outbox;

class batch_writer {
 public:
  class scope;

  batch_writer() = default;
  ~batch_writer();
  batch_writer(const batch_writer&) = delete;
  batch_writer& operator=(const batch_writer&) = delete;

  /// This thread's, while a scope lives; else null.
  static batch_writer* open_here() noexcept { return open_; }

  /// @param bytes  kept until the outbox has heard; `skip` of them have been written before
  void add(outbox& who, int descriptor, hub::shared_bytes bytes, size_t skip, size_t messages);
  /// Writes all that was added. Outboxes may add more while they hear of it: that is written as well.
  void submit() noexcept;
  /// An outbox that goes away before it has heard.
  static void forget(outbox& who) noexcept;

 private:
  struct ring;
  struct entry {
    outbox* who;
    int descriptor;
    hub::shared_bytes bytes;
    size_t skip;
    size_t messages;
    long result; // as of send; negative: an errno
  };

  static batch_writer* of_thread() noexcept;
  bool begin() noexcept;
  void write(std::vector<entry>& all) noexcept;

  static inline thread_local batch_writer* open_ = nullptr;
  std::unique_ptr<ring> ring_;
  bool refused_ = false;
  std::vector<entry> waiting_;
  std::vector<entry> written_; // being told of
};

/// Writes are put together for the life of this object, where that is possible.
class batch_writer::scope {
 public:
  /// @param is_worth_it  false: nothing is put together
  explicit scope(bool is_worth_it) noexcept;
  ~scope();
  scope(const scope&) = delete;
  scope& operator=(const scope&) = delete;

 private:
  bool is_outer_ = false;
};

} // namespace natterjack::relay
