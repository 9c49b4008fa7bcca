// Messages that the server has compressed, each by itself (RFC 7692).
#pragma once

#include <zlib.h>

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::bench {

class inflater {
 public:
  inflater();
  ~inflater();
  inflater(const inflater&) = delete;
  inflater& operator=(const inflater&) = delete;

  /// @returns the message, valid until the next call
  /// @throws std::runtime_error  it cannot be inflated, or not into 1 MiB
  std::string_view run(std::string_view packed);

 private:
  z_stream z_{};
  std::string in_;
  std::vector<char> out_ = std::vector<char>(1 << 20);
};

} // namespace natterjack::bench
