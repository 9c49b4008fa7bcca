// What processes say to each other: sender, topic, values, time. Immutable, shared, one type for all.
//
//   made by    a connection for what a client said, a Lua process or a C++ hub for what it sends
//   taken by   whoever receives it; a connection writes it to its client as {"topic":…,"data":…}
//   never      copied for a second receiver, parsed by somebody who only forwards it
#pragma once

#include "hub/credit.hpp"
#include "hub/payload.hpp"
#include "hub/pid.hpp"

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/intrusive_ptr.hpp>

#include <atomic>
#include <span>
#include <string_view>
#include <vector>

namespace natterjack::hub {

/// Something a floor above keeps with a message so that it is made once for all receivers, such as
/// the encoded frame.
class message_attachment : public caf::ref_counted {};

class message {
 public:
  message(pid from, shared_bytes topic, payload value, credit inbound = {});
  /// @param values  none, one or several; each becomes a frame of its own at a connection
  message(pid from, shared_bytes topic, std::vector<payload> values, credit inbound = {});
  ~message();
  message(const message&) = delete;
  message& operator=(const message&) = delete;

  const pid& from() const noexcept { return from_; }
  std::string_view topic() const noexcept { return topic_.view(); }
  std::span<const payload> payloads() const noexcept {
    return more_.empty() ? std::span(&first_, count_) : std::span<const payload>(more_);
  }
  /// Bytes of topic and values, what bounds count.
  size_t size() const noexcept;

  /// True until settled for what a client caused.
  bool carries_credit() const noexcept { return static_cast<bool>(inbound_); }
  /// True, also when settled, for what a client caused: its number is bounded where it came in, so a
  /// mailbox limit does not apply to it.
  bool is_bounded_by_credit() const noexcept { return is_bounded_by_credit_; }
  /// The receiver has taken this message out of its queue: the client may say more.
  void settle() const noexcept { inbound_.give_back(); }

  /// False while one holder is left: nobody else can want what is kept with this message.
  bool is_shared() const noexcept { return references_.load(std::memory_order_acquire) > 1; }

  /// What `attach` left here, or null.
  const message_attachment* attachment() const noexcept {
    return attachment_.load(std::memory_order_acquire);
  }
  /// Keeps `made` with the message; if another thread was first, that one stays.
  /// @returns the attachment that stands
  const message_attachment* attach(caf::intrusive_ptr<message_attachment> made) const noexcept;

  friend void intrusive_ptr_add_ref(const message* m) noexcept {
    m->references_.fetch_add(1, std::memory_order_relaxed);
  }
  friend void intrusive_ptr_release(const message* m) noexcept {
    if (m->references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete m;
  }

 private:
  mutable std::atomic<uint32_t> references_{1};
  const uint16_t count_; // of values in first_: one or none
  const bool is_bounded_by_credit_;
  pid from_;
  shared_bytes topic_;
  payload first_;
  std::vector<payload> more_; // used when there are two or more values
  mutable credit inbound_;
  mutable std::atomic<message_attachment*> attachment_{nullptr};
};

using message_ptr = caf::intrusive_ptr<const message>;

/// Makes a message that nobody else holds yet.
template <class... Ts>
message_ptr make_message(Ts&&... xs) {
  return {new message(std::forward<Ts>(xs)...), false};
}

} // namespace natterjack::hub

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(natterjack::hub::message_ptr)
