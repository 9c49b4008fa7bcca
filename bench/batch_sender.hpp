// Many sends with one system call, by io_uring; for the floor's question whether that pays.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::bench {

class batch_sender {
 public:
  virtual ~batch_sender() = default;
  /// Sends `size` bytes to each of the sockets it was made for. @throws std::runtime_error
  virtual void send_to_all(const char* bytes, size_t size) = 0;
};

/// @param why  what stands in the way, if the result is null: no liburing, or the kernel refuses
std::unique_ptr<batch_sender> make_batch_sender(const std::vector<int>& sockets, std::string& why);

} // namespace natterjack::bench
