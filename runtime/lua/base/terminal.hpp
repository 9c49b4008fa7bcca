// Standard input of the program, shared by the processes that read it.
//
//   read, 0, out      a line without its end          false: the input has ended, or the program
//   read, n, out      up to n bytes                   as above
//   raw, on           no echo, no waiting for a line; counted, undone at the end
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include <termios.h>

namespace natterjack::runtime::lua {

class terminal {
 public:
  terminal() = default;
  ~terminal();
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  /// Blocks; on a thread for that.
  bool read(size_t count, std::string& out);
  bool raw(bool on);

  std::atomic<bool> stopped{false};   ///< the program ends: nobody waits any more
  std::vector<std::string> arguments; ///< of the command, for `io.args`

 private:
  bool fill();

  std::mutex mutex_;
  std::string buffer_;
  std::mutex raw_mutex_;
  int raw_depth_ = 0;
  std::unique_ptr<termios> saved_;
};

} // namespace natterjack::runtime::lua
