// What of an answer has not been written yet: texts, shared blocks and parts of files, in order.
//
// All on one io thread. `flush` writes until all is out or the socket is full, then goes on by itself when
// there is room; pieces pushed within a turn leave together at its end.
#pragma once

#include "hub/shared_bytes.hpp"
#include "relay/http/exchange.hpp"
#include "relay/http/wire.hpp"
#include "relay/io_thread.hpp"

#include <deque>
#include <variant>

namespace natterjack::relay {

class writer_owner {
 public:
  virtual void on_write_progress() = 0;
  virtual void on_all_written() = 0;
  virtual void on_write_failed() = 0;
  /// What must live until a wait for the socket has ended.
  virtual std::shared_ptr<void> keep_alive() = 0;

 protected:
  ~writer_owner() = default;
};

class response_writer final : public flushable {
 public:
  response_writer(io_thread& thread, http_wire& wire, writer_owner& owner)
      : thread_(thread), wire_(wire), owner_(owner) {}
  ~response_writer() override { thread_.unmark(*this); }

  void push(std::string text);
  void push(hub::shared_bytes bytes);
  void push_file(std::shared_ptr<const open_file> file, size_t offset, size_t size);
  /// Throws away the oldest shared blocks of which nothing is written or sealed, until so few bytes wait.
  /// @returns how many blocks
  size_t drop_oldest(size_t until_bytes);
  void flush() override;

  /// Texts and blocks that wait; files wait on disk.
  size_t bytes() const noexcept { return bytes_; }
  bool empty() const noexcept { return queue_.empty(); }
  bool failed() const noexcept { return failed_; }

 private:
  struct file_part {
    std::shared_ptr<const open_file> file;
    size_t offset, size;
  };
  using piece = std::variant<std::string, hub::shared_bytes, file_part>;

  static std::string_view view(const piece& of) noexcept;
  http_wire::result write_some();
  void advance(size_t written) noexcept;
  void wait(boost::asio::ip::tcp::socket::wait_type what);

  io_thread& thread_;
  http_wire& wire_;
  writer_owner& owner_;
  std::deque<piece> queue_;
  size_t offset_ = 0; // bytes of the first piece that are written
  size_t bytes_ = 0;
  bool waiting_ = false;
  bool failed_ = false;
};

} // namespace natterjack::relay
