#include "runtime/lua/engine/block_cache.hpp"

#include <utility>

namespace natterjack::runtime::lua {

namespace {

constexpr size_t kept_bytes = 32 << 10; // of each class

} // namespace

// Gives all back at the end of the thread. Apart from the lists, so that these need no guard at each use.
class block_cache::closer {
 public:
  ~closer() {
    kept_.now = state::closed;
    kept_.room.fill(0);
    for (auto& first : kept_.first)
      while (first != nullptr)
        std::free(std::exchange(first, first->next));
  }
};

bool block_cache::make_room(size_t c) noexcept {
  if (kept_.now != state::unused)
    return false;
  kept_.now = state::open;
  [[maybe_unused]] thread_local closer at_end;
  for (size_t i = 1; i < classes; ++i)
    kept_.room[i] = static_cast<uint16_t>(kept_bytes / (i * step));
  return kept_.room[c] != 0;
}

} // namespace natterjack::runtime::lua
