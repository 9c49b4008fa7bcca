// Messages that came one after another to the same receivers on an io thread: a hub's broadcasts.
//
// Their frames are laid end to end once, whatever the number of receivers, so that each of these queues
// one block and writes it with one send.
#pragma once

#include "relay/deflated_frame.hpp"
#include "relay/frame.hpp"

#include <algorithm>
#include <cstring>
#include <span>
#include <utility>

namespace natterjack::relay {

class message_run {
 public:
  /// @param messages  in order, none of them for the connection itself (see `is_for_client`)
  explicit message_run(std::span<const hub::message_ptr> messages) noexcept : messages_(messages) {}

  std::span<const hub::message_ptr> messages() const noexcept { return messages_; }

  /// All frames; made at the first call. Empty if no message has a value.
  const hub::shared_bytes& frames() {
    if (!is_laid_) {
      is_laid_ = true;
      frames_ = lay([](const hub::message_ptr& what) { return frames_of(what); });
    }
    return frames_;
  }

  /// The same for clients that agreed on permessage-deflate; see `deflated_frames_of`.
  const hub::shared_bytes& deflated_frames(int window_bits) {
    if (std::exchange(laid_bits_, window_bits) != window_bits)
      deflated_ = lay([window_bits](const hub::message_ptr& what) {
        return deflated_frames_of(what, window_bits);
      });
    return deflated_;
  }

  /// How many values they carry, each a frame of its own.
  size_t values() const noexcept {
    size_t sum = 0;
    for (const auto& what : messages_)
      sum += std::max<size_t>(what->payloads().size(), 1);
    return sum;
  }

  /// False for topics that a connection takes as its own.
  static bool is_for_client(const hub::message& what) noexcept {
    return what.topic() != "ws.control" && what.topic() != "ws.close";
  }

 private:
  template <class FramesOf>
  hub::shared_bytes lay(FramesOf&& encoded) const {
    size_t total = 0;
    for (const auto& what : messages_)
      total += encoded(what).size();
    return hub::shared_bytes::make(total, [this, &encoded](char* to) {
      for (const auto& what : messages_) {
        const auto one = encoded(what);
        if (!one.empty())
          std::memcpy(to, one.data(), one.size());
        to += one.size();
      }
    });
  }

  std::span<const hub::message_ptr> messages_;
  hub::shared_bytes frames_;
  hub::shared_bytes deflated_;
  bool is_laid_ = false;
  int laid_bits_ = 0;
};

} // namespace natterjack::relay
