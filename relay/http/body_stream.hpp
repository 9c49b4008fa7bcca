// A body that is written piece by piece while somebody reads: a handler's answer, which the HTTP session
// sends, or a request's body, which the session fills and a handler reads.
//
//   writer, any thread                     reader, one thread at a time
//   write        false: nobody reads more  attach      hears of what comes
//   is_full      wait for `when_room`      take        what there is, and whether it was the last
//   finish       the body is complete      close       nothing more is wanted: the client is gone, ...
//   fail         it will never be
//
//   bound   `bytes_max` wait here; what a client does not read stays with the writer, who is to wait
//           once the stream is full. The last holder of a stream that is neither finished nor failed
//           fails it, so that no client waits for ever: see body_writer
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

namespace natterjack::relay {

class body_stream {
 public:
  static constexpr size_t bytes_max_default = 256 << 10;

  explicit body_stream(size_t bytes_max = bytes_max_default) : bytes_max_(bytes_max) {}

  /// Takes bytes, also beyond the bound. @returns false once the client is gone
  bool write(std::string_view bytes);
  bool is_full() const;
  bool is_closed() const;
  /// Finished or failed: nothing more will be written.
  bool has_ended() const;
  /// Calls back once there is room, or nobody reads any more: at once, or on the reader's thread. Never
  /// blocks.
  void when_room(std::function<void()> call);
  void finish() { end(false, 0); }
  /// @param status  of HTTP, that says why; 0: for no reason that has one
  void fail(unsigned status = 0) { end(true, status); }

  // -- reader

  /// @param wake  called from any thread, with nothing locked, when there is something to take. It must not
  ///              be what keeps the reader alive: the stream may outlive it. Replaces an earlier one
  void attach(std::function<void()> wake);
  struct piece {
    std::string bytes;
    bool last = false;   ///< nothing comes behind it
    bool failed = false; ///< the body is not complete
    unsigned status = 0; ///< why it failed
  };
  piece take();
  void close();

 private:
  void end(bool failed, unsigned status);

  mutable std::mutex mutex_;
  size_t bytes_max_;
  std::string waiting_;
  bool ended_ = false, failed_ = false, closed_ = false, told_ = false;
  unsigned status_ = 0;
  std::function<void()> wake_;
  std::function<void()> room_;
};

/// The writing end, held by whoever owes the rest of a body: dropped without `finish`, it fails.
class body_writer {
 public:
  explicit body_writer(std::shared_ptr<body_stream> stream) : stream_(std::move(stream)) {}
  ~body_writer() {
    if (stream_)
      stream_->fail();
  }
  body_writer(body_writer&&) noexcept = default;
  body_writer& operator=(body_writer&&) = delete;
  body_stream* operator->() const noexcept { return stream_.get(); }

 private:
  std::shared_ptr<body_stream> stream_;
};

} // namespace natterjack::relay
