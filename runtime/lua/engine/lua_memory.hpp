// The allocator of one lua_State: counts bytes and refuses beyond a limit.
#pragma once

#include "runtime/lua/engine/block_cache.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace natterjack::runtime::lua {

class lua_memory {
 public:
  explicit lua_memory(size_t bytes_max) noexcept : bytes_max_(bytes_max) {}

  size_t used() const noexcept { return used_; }
  size_t bytes_max() const noexcept { return bytes_max_; }
  /// What was refused last was so by the system, below the limit.
  bool system_refused() const noexcept { return system_refused_; }
  void set_bytes_max(size_t bytes_max) noexcept { bytes_max_ = bytes_max; }

  /// A lua_Alloc. Lua collects garbage and asks once more before it gives up.
  static void* allocate(void* self, void* block, size_t old_size, size_t new_size) noexcept {
    auto& m = *static_cast<lua_memory*>(self);
    if (block == nullptr)
      old_size = 0; // then it is a type tag
    if (new_size == 0) {
      release(block, old_size);
      m.used_ -= old_size;
      return nullptr;
    }
    if (new_size > old_size && new_size - old_size + m.used_ > m.bytes_max_) {
      m.system_refused_ = false;
      return nullptr;
    }
    void* made = block == nullptr ? obtain(new_size) : resize(block, old_size, new_size);
    if (made != nullptr)
      m.used_ += new_size - old_size;
    else
      m.system_refused_ = true;
    return made;
  }

 private:
  static bool is_small(size_t size) noexcept { return size <= block_cache::size_max; }

  static void* obtain(size_t size) noexcept {
    return is_small(size) ? block_cache::take(size) : std::malloc(size);
  }

  static void release(void* block, size_t size) noexcept {
    if (block != nullptr && is_small(size))
      block_cache::give(block, size);
    else
      std::free(block);
  }

  static void* resize(void* block, size_t old_size, size_t new_size) noexcept {
    if (!is_small(old_size) && !is_small(new_size))
      return std::realloc(block, new_size);
    if (is_small(old_size) && is_small(new_size) &&
        block_cache::class_of(old_size) == block_cache::class_of(new_size))
      return block;
    void* made = obtain(new_size);
    if (made == nullptr) // Lua takes it that a block can always become smaller
      return new_size < old_size ? block : nullptr;
    std::memcpy(made, block, std::min(old_size, new_size));
    release(block, old_size);
    return made;
  }

  bool system_refused_ = false;
  size_t used_ = 0;
  size_t bytes_max_;
};

} // namespace natterjack::runtime::lua
