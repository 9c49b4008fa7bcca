// Bytes that grow, kept from call to call: what is written before its length is known.
//
//   call             result        when
//   ensure, n        true          n more bytes may be written with `put`
//                    false         memory is short or the bound is reached; nothing changed
//   append, bytes    as ensure     copies them
//   truncate, n      -             forgets what is behind the first n bytes
//
//   never  throws, raises a Lua error, frees its block between calls (`trim` does)
#pragma once

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace natterjack::runtime::lua {

class byte_buffer {
 public:
  /// @param bytes_max  `ensure` refuses to hold more than this
  explicit byte_buffer(size_t bytes_max = default_bytes_max) noexcept : bytes_max_(bytes_max) {}
  ~byte_buffer() { std::free(data_); }
  byte_buffer(const byte_buffer&) = delete;
  byte_buffer& operator=(const byte_buffer&) = delete;

  static constexpr size_t default_bytes_max = 64u << 20;

  std::string_view view() const noexcept { return {data_, size_}; }
  const char* data() const noexcept { return data_; }
  size_t size() const noexcept { return size_; }
  size_t bytes_max() const noexcept { return bytes_max_; }

  void clear() noexcept { size_ = 0; }
  void truncate(size_t size) noexcept { size_ = size < size_ ? size : size_; }

  /// Gives the block back if it has grown beyond `keep` bytes; the content is lost then.
  void trim(size_t keep = 1u << 20) noexcept {
    if (capacity_ > keep) {
      std::free(data_);
      data_ = nullptr;
      size_ = capacity_ = 0;
    }
  }

  bool ensure(size_t more) noexcept { return more <= capacity_ - size_ || grow(more); }

  bool append(std::string_view bytes) noexcept {
    if (!ensure(bytes.size()))
      return false;
    put(bytes);
    return true;
  }
  bool append(char byte) noexcept {
    if (!ensure(1))
      return false;
    put(byte);
    return true;
  }

  /// Writes without looking: `ensure` was called before.
  void put(char byte) noexcept { data_[size_++] = byte; }
  void put(std::string_view bytes) noexcept {
    if (!bytes.empty())
      std::memcpy(data_ + size_, bytes.data(), bytes.size());
    size_ += bytes.size();
  }

  /// Where the next byte goes, and how to say that `count` were written there.
  char* tail() noexcept { return data_ + size_; }
  void wrote(size_t count) noexcept { size_ += count; }

 private:
  bool grow(size_t more) noexcept {
    if (more > bytes_max_ || size_ > bytes_max_ - more)
      return false;
    size_t wanted = capacity_ < 256 ? 512 : capacity_ * 2;
    if (wanted < size_ + more)
      wanted = size_ + more;
    if (wanted > bytes_max_)
      wanted = bytes_max_;
    auto* moved = static_cast<char*>(std::realloc(data_, wanted));
    if (moved == nullptr)
      return false;
    data_ = moved;
    capacity_ = wanted;
    return true;
  }

  char* data_ = nullptr;
  size_t size_ = 0;
  size_t capacity_ = 0;
  size_t bytes_max_;
};

} // namespace natterjack::runtime::lua
