// Small blocks that Lua states gave back, kept by size for the next one of this thread.
//
// A script makes and drops tables, strings and objects of a few sizes all the time; Lua says the size when it
// gives one back. Taking one from here costs ten instructions, a third of what malloc needs, and free and
// realloc need more.
//
//   take, give   blocks of up to `size_max` bytes; all come from malloc, so that a block may be given back on
//                another thread than it was taken on
//   bound        32 KiB of each size class on each thread, so 1 MiB at the very most: a collection frees
//                much at once
//   sanitizers   nothing is kept, so that they see what a script does with memory
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace natterjack::runtime::lua {

class block_cache {
 public:
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  static constexpr size_t size_max = 0;
#else
  static constexpr size_t size_max = 512;
#endif

  /// Sizes of one class share blocks. @param size  at most `size_max`
  static constexpr size_t class_of(size_t size) noexcept { return (size + step - 1) / step; }

  /// @param size  1 to `size_max`. @returns null if there is no memory
  static void* take(size_t size) noexcept {
    const auto c = class_of(size);
    auto& here = kept_;
    if (auto* first = here.first[c]) {
      here.first[c] = first->next;
      ++here.room[c];
      return first;
    }
    return std::malloc(c * step);
  }

  /// @param size  as it was taken
  static void give(void* block, size_t size) noexcept {
    const auto c = class_of(size);
    auto& here = kept_;
    if (here.room[c] == 0 && !make_room(c)) {
      std::free(block);
      return;
    }
    --here.room[c];
    auto* free_block = static_cast<node*>(block);
    free_block->next = here.first[c];
    here.first[c] = free_block;
  }

 private:
  static constexpr size_t step = 16;
  static constexpr size_t classes = size_max / step + 1;

  struct node {
    node* next;
  };
  enum class state : uint8_t { unused, open, closed };
  struct lists { // all zero at first
    std::array<node*, classes> first;
    std::array<uint16_t, classes> room; // blocks that may still be kept; none before the first one comes
    state now;
  };
  class closer;

  /// When there is no room: makes some if this is the first block of the thread.
  static bool make_room(size_t c) noexcept;

  static inline constinit thread_local lists kept_{};
};

} // namespace natterjack::runtime::lua
