// The allocator of one lua_State: counts bytes and refuses beyond a limit.
#pragma once

#include <cstddef>
#include <cstdlib>

namespace natterjack::runtime::lua {

class lua_memory {
 public:
  explicit lua_memory(size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  size_t used() const noexcept { return used_; }
  size_t bytes_max() const noexcept { return bytes_max_; }
  void set_bytes_max(size_t bytes_max) noexcept { bytes_max_ = bytes_max; }

  /// A lua_Alloc. Lua collects garbage and asks once more before it gives up.
  static void* allocate(void* self, void* block, size_t old_size, size_t new_size) noexcept {
    auto& m = *static_cast<lua_memory*>(self);
    if (block == nullptr)
      old_size = 0; // then it is a type tag
    if (new_size == 0) {
      std::free(block);
      m.used_ -= old_size;
      return nullptr;
    }
    if (new_size > old_size && new_size - old_size + m.used_ > m.bytes_max_)
      return nullptr;
    void* moved = std::realloc(block, new_size);
    if (moved != nullptr)
      m.used_ += new_size - old_size;
    return moved;
  }

 private:
  size_t used_ = 0;
  size_t bytes_max_;
};

} // namespace natterjack::runtime::lua
