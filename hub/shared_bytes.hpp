// Immutable bytes with one owner count: what topics, payloads and wire frames are made of.
//
// One allocation holds count, length and bytes. Copies share; nobody can change what another reads.
#pragma once

#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace natterjack::hub {

class shared_bytes {
 public:
  shared_bytes() noexcept = default;

  /// Copies `bytes` into a block of their own.
  explicit shared_bytes(std::string_view bytes)
      : shared_bytes(make(bytes.size(), [bytes](char* to) {
          if (!bytes.empty())
            std::memcpy(to, bytes.data(), bytes.size());
        })) {}

  /// Allocates `size` bytes and lets `fill(char*)` write them, once.
  template <class Fill>
  static shared_bytes make(size_t size, Fill&& fill) {
    if (size == 0)
      return {};
    void* raw = std::malloc(sizeof(block) + size);
    if (raw == nullptr)
      throw std::bad_alloc();
    auto* b = new (raw) block{};
    b->size = size;
    shared_bytes result(b);
    fill(b->data());
    return result;
  }

  shared_bytes(const shared_bytes& other) noexcept : block_(other.block_) {
    if (block_ != nullptr)
      block_->count.fetch_add(1, std::memory_order_relaxed);
  }
  shared_bytes(shared_bytes&& other) noexcept : block_(std::exchange(other.block_, nullptr)) {}
  shared_bytes& operator=(shared_bytes other) noexcept {
    std::swap(block_, other.block_);
    return *this;
  }
  ~shared_bytes() {
    if (block_ != nullptr && block_->count.fetch_sub(1, std::memory_order_acq_rel) == 1)
      std::free(block_);
  }

  std::string_view view() const noexcept {
    return block_ == nullptr ? std::string_view{} : std::string_view{block_->data(), block_->size};
  }
  const char* data() const noexcept { return block_ == nullptr ? nullptr : block_->data(); }
  size_t size() const noexcept { return block_ == nullptr ? 0 : block_->size; }
  bool empty() const noexcept { return block_ == nullptr; }

 private:
  struct block {
    std::atomic<uint32_t> count{1};
    size_t size = 0;
    char* data() noexcept { return reinterpret_cast<char*>(this + 1); }
  };
  explicit shared_bytes(block* b) noexcept : block_(b) {}

  block* block_ = nullptr;
};

} // namespace natterjack::hub
