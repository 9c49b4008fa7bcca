// A response body that its handler writes piece by piece, while the client reads.
//
//   writer, any thread                     reader: the HTTP session, on its io thread
//   write        false: nobody reads more  attach      hears of what comes
//   is_full      wait for `when_room`      take        what there is, and whether it was the last
//   finish       the body is complete      close       the client is gone
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
  /// Calls back once there is room, or the client is gone: at once, or on the io thread. Never blocks.
  void when_room(std::function<void()> call);
  void finish() { end(false); }
  void fail() { end(true); }

  // -- reader

  /// @param wake  called from any thread, with nothing locked, when there is something to take
  void attach(std::function<void()> wake);
  struct piece {
    std::string bytes;
    bool last = false;   ///< nothing comes behind it
    bool failed = false; ///< the body is not complete
  };
  piece take();
  void close();

 private:
  void end(bool failed);

  mutable std::mutex mutex_;
  size_t bytes_max_;
  std::string waiting_;
  bool ended_ = false, failed_ = false, closed_ = false, told_ = false;
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
