// Standard input of the program, shared by the processes that read it.
//
//   read, 0, out      a line without its end          false: the input has ended, or the program
//   read, n, out      up to n bytes                   as above
//   raw, on           no echo, no waiting for a line; counted, undone at the end
#pragma once

#include "runtime/lua/shared/work_pool.hpp"

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

  /// Blocks: to be called on `readers`.
  bool read(size_t count, std::string& out);
  bool raw(bool on);

  /// The program ends: nobody waits any more, the input has ended for all who read.
  void end_input() noexcept { ended_ = true; }
  /// The same, and the last of them has been answered.
  void stop();

  /// One thread of its own: whoever waits for a line does not keep one from databases and files.
  work_pool readers{1};
  std::vector<std::string> arguments; ///< of the command, for `io.args`

 private:
  bool fill();

  std::atomic<bool> ended_{false};
  std::mutex mutex_;
  std::string buffer_;
  std::mutex raw_mutex_;
  int raw_depth_ = 0;
  std::unique_ptr<termios> saved_;
};

} // namespace natterjack::runtime::lua
