// PID texts that a process sends to again and again, with whom they name: no parsing and no lookup in the
// node's table for each message.
//
//   find       who has this PID or name, alive when it was looked up; else null and why
//   tidy       forgets one that has ended, whose memory it would hold on to; now and then
//   never      keeps a process alive; gives one that has ended; remembers names, which change hands
#pragma once

#include "hub/node.hpp"

#include <cstring>
#include <vector>

namespace natterjack::runtime::lua {

class destination_cache {
 public:
  /// @param text  of a Lua string; its address only chooses the place
  /// @param why   set to a sentence when nobody is found
  hub::process_ref find(hub::node& node, std::string_view text, std::string* why) {
    if (text.size() > text_max || !text.starts_with('{'))
      return node.resolve(text, why);
    if (!places_.empty()) {
      auto& known = places_[place_of(text)];
      if (known.size == text.size() && std::memcmp(known.text, text.data(), text.size()) == 0) {
        if (auto actor = known.actor.lock(); actor && known.self->is_here())
          return {std::move(actor), known.self};
        known = {};
      }
    }
    auto found = node.resolve(text, why);
    if (found)
      remember(text, found);
    return found;
  }

  void tidy() noexcept {
    if (places_.empty())
      return;
    auto& one = places_[swept_++ & (places_.size() - 1)];
    if (one.size != 0 && one.actor.get()->strong_refs.load(std::memory_order_relaxed) == 0)
      one = {};
  }

 private:
  static constexpr size_t text_max = 47;
  static constexpr size_t first_size = 64;
  static constexpr size_t last_size = 4096; // 64 bytes each
  static constexpr size_t sends_before = 32;

  struct place {
    caf::weak_actor_ptr actor;
    hub::process* self = nullptr;
    uint8_t size = 0;
    char text[text_max] = {};
  };

  size_t place_of(std::string_view text) const noexcept {
    const auto address = reinterpret_cast<uintptr_t>(text.data()) >> 4;
    return (address ^ (address >> 12)) & (places_.size() - 1);
  }

  // Most processes send to a few others now and then: they get no table.
  void remember(std::string_view text, const hub::process_ref& who) {
    if (places_.empty()) {
      if (++missed_ < sends_before)
        return;
      places_.resize(first_size);
      missed_ = 0;
    }
    for (int i = 0; i < 4; ++i)
      tidy();
    auto* to = &places_[place_of(text)];
    if (to->size != 0 && ++missed_ > places_.size() / 2 && places_.size() < last_size) {
      std::vector<place>(places_.size() * 4).swap(places_);
      missed_ = 0;
      to = &places_[place_of(text)];
    }
    to->actor = caf::weak_actor_ptr{who.actor.get()};
    to->self = who.self;
    to->size = static_cast<uint8_t>(text.size());
    std::memcpy(to->text, text.data(), text.size());
  }

  std::vector<place> places_;
  uint32_t missed_ = 0;
  uint32_t swept_ = 0;
};

} // namespace natterjack::runtime::lua
