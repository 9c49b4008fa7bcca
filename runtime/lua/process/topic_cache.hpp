// Topics that a script sends again and again, as shared bytes: no allocation for each message.
#pragma once

#include "hub/shared_bytes.hpp"

#include <array>
#include <string_view>

namespace natterjack::runtime::lua {

class topic_cache {
 public:
  /// @param text  of a Lua string; its address only chooses the slot
  const hub::shared_bytes& get(std::string_view text) {
    auto& slot = slots_[(reinterpret_cast<uintptr_t>(text.data()) >> 4) % slots_.size()];
    if (slot.view() != text)
      slot = hub::shared_bytes(text);
    return slot;
  }

 private:
  std::array<hub::shared_bytes, 8> slots_;
};

} // namespace natterjack::runtime::lua
