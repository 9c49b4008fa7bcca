// rabbitmq-c with C++ manners. Only .cpp files include this: the library's header goes no further.
#pragma once

#include <amqp.h>
#include <amqp_framing.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace natterjack::amqp {

inline std::string_view view(const amqp_bytes_t& bytes) noexcept {
  return {static_cast<const char*>(bytes.bytes), bytes.len};
}

/// The library's type has no const; it does not write to what it is given.
inline amqp_bytes_t bytes_of(std::string_view text) noexcept {
  return {text.size(), const_cast<char*>(text.data())};
}

/// Memory for decoded and encoded tables.
class memory_pool {
 public:
  explicit memory_pool(size_t page = 4096) { init_amqp_pool(&pool_, page); }
  ~memory_pool() { empty_amqp_pool(&pool_); }
  memory_pool(const memory_pool&) = delete;
  memory_pool& operator=(const memory_pool&) = delete;
  amqp_pool_t* get() noexcept { return &pool_; }
  void recycle() noexcept { recycle_amqp_pool(&pool_); }
  /// @throws std::bad_alloc
  void* allocate(size_t bytes) {
    auto* result = amqp_pool_alloc(&pool_, bytes);
    if (result == nullptr)
      throw std::bad_alloc();
    return result;
  }

 private:
  amqp_pool_t pool_;
};

/// What the broker or the network had against something.
class broker_error : public std::runtime_error {
 public:
  /// @param reply_code  the broker's (404, 405, 406, …); 0: the connection failed
  broker_error(int reply_code, bool channel_only, const std::string& what)
      : std::runtime_error(what), code(reply_code), is_channel_error(channel_only) {}
  int code;
  bool is_channel_error; ///< the channel is closed, the connection lives
};

} // namespace natterjack::amqp
