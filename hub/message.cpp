#include "hub/message.hpp"

namespace natterjack::hub {

message::message(pid from, shared_bytes topic, payload value, credit inbound)
    : count_(1), is_bounded_by_credit_(inbound), from_(from), topic_(std::move(topic)), first_(std::move(value)),
      inbound_(std::move(inbound)) {}

message::message(pid from, shared_bytes topic, std::vector<payload> values, credit inbound)
    : count_(values.size() == 1), is_bounded_by_credit_(inbound), from_(from),
      topic_(std::move(topic)), inbound_(std::move(inbound)) {
  if (values.size() == 1)
    first_ = std::move(values.front());
  else
    more_ = std::move(values);
}

message::~message() {
  if (auto* kept = attachment_.load(std::memory_order_relaxed))
    kept->deref();
}

size_t message::size() const noexcept {
  size_t sum = topic_.size();
  for (const auto& value : payloads())
    sum += value.bytes().size();
  return sum;
}

const message_attachment*
message::attach(caf::intrusive_ptr<message_attachment> made) const noexcept {
  message_attachment* expected = nullptr;
  if (attachment_.compare_exchange_strong(expected, made.get(), std::memory_order_acq_rel))
    return made.detach();
  return expected;
}

} // namespace natterjack::hub
