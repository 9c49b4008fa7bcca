#include "runtime/lua/base/error_output.hpp"

#include <unistd.h>

namespace natterjack::runtime::lua {

print_sink& error_output() {
  static print_sink made(STDERR_FILENO);
  return made;
}

} // namespace natterjack::runtime::lua
