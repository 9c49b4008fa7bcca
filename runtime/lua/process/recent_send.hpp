// The last thing a process sent, so that a loop which sends the same to many makes one message of it.
//
//   repeat     what is sent now is byte for byte what was sent last: the same message once more
//   first      something else: a message of its own, remembered until the next one
//   never      outlives the slice (`clear`), compares by the identity of a table: a script may change it
#pragma once

#include "hub/message.hpp"

#include <cstring>

namespace natterjack::runtime::lua {

class recent_send {
 public:
  /// Whether a Lua string, or a document, sent to this topic is what was sent last.
  bool is_text(const hub::shared_bytes& topic, std::string_view bytes) const noexcept {
    return value_.kind() != hub::payload_kind::json && is_bytes(topic, bytes) && has_value();
  }
  bool is_json(const hub::shared_bytes& topic, std::string_view document) const noexcept {
    return value_.kind() == hub::payload_kind::json && is_bytes(topic, document);
  }
  bool is_same(const hub::shared_bytes& topic, const hub::payload& value) const noexcept {
    return value_.kind() == value.kind() && is_bytes(topic, value.bytes()) && has_value();
  }

  const hub::message_ptr& repeat() const noexcept { return message_; }

  const hub::message_ptr& first(const hub::pid& from, const hub::shared_bytes& topic,
                                hub::payload value) {
    message_ = hub::make_message(from, topic, value);
    topic_ = topic;
    value_ = std::move(value);
    return message_;
  }

  void clear() noexcept {
    topic_ = {};
    value_ = {};
    message_.reset();
  }

 private:
  bool has_value() const noexcept { return value_.kind() != hub::payload_kind::nil; }
  // A topic that is sent again is the same block: topic_cache.hpp.
  bool is_bytes(const hub::shared_bytes& topic, std::string_view bytes) const noexcept {
    const auto own = value_.bytes();
    return topic_.data() == topic.data() && own.size() == bytes.size() &&
           (own.empty() || own.data() == bytes.data() ||
            std::memcmp(own.data(), bytes.data(), own.size()) == 0);
  }

  hub::shared_bytes topic_;
  hub::payload value_;
  hub::message_ptr message_;
};

} // namespace natterjack::runtime::lua
