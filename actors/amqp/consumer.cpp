#include "actors/amqp/consumer.hpp"

#include "actors/amqp/session.hpp"

#include <caf/make_counted.hpp>

#include <algorithm>

namespace natterjack::amqp {

namespace {

// Acks may lag so far behind: one frame for many messages costs a fraction of one for each.
constexpr auto ack_delay = std::chrono::milliseconds(20);
constexpr auto first_retry_pause = std::chrono::milliseconds(250);
constexpr auto last_retry_pause = std::chrono::milliseconds(5'000);

} // namespace

// A message in several frames outlives the library's buffers: what it says is copied, and the
// buffers are released after each frame, so that a huge body that nobody wants costs nothing.
struct consumer::assembly {
  uint64_t tag = 0;
  bool redelivered = false;
  std::string exchange;
  std::string routing_key;
  bool has_header = false;
  uint64_t body_size = 0;
  uint64_t received = 0;
  bool is_oversized = false;
  std::string body;
  memory_pool pool;
  std::string raw_properties;
  const amqp_basic_properties_t* properties = nullptr;
};

consumer::consumer(uint16_t channel, topology wanted, consumer_handlers handlers,
                   std::function<void(bool many)> on_settled, const broker_options& bounds)
    : channel_(channel), wanted_(std::move(wanted)), handlers_(std::move(handlers)),
      on_settled_(std::move(on_settled)), bounds_(bounds), coming_(std::make_unique<assembly>()) {
}

consumer::~consumer() = default;

void consumer::start(session& wire) {
  retry_at_ = clock::time_point::max();
  try {
    if (std::exchange(close_pending_, false))
      wire.confirm_channel_closed(channel_);
    wire.open_channel(channel_);
    make_topology(wire);
    wire.consume(channel_, queue_, wanted_.prefetch, wanted_.only_consumer);
    ledger_ = caf::make_counted<ack_ledger>(
        [on_settled = on_settled_, many = many()](size_t n) { on_settled(n == many); });
    coming_ = std::make_unique<assembly>();
    retry_pause_ = std::chrono::milliseconds(0);
    if (handlers_.on_ready)
      handlers_.on_ready(queue_);
  } catch (const broker_error& e) {
    if (e.is_channel_error) {
      close_pending_ = true;
      on_lost(e.what(), e.code);
    }
    throw;
  }
}

void consumer::make_topology(session& wire) {
  for (const auto& exchange : wanted_.exchanges)
    wire.declare(channel_, exchange);
  auto wanted = wanted_.queue;
  if (wanted.name.empty() && is_consuming())
    wanted.name = queue_; // the broker made the name: keep it
  queue_ = wire.declare(channel_, wanted);
  if (!wanted_.bound_to.empty())
    for (const auto& key : wanted_.routing_keys)
      wire.bind(channel_, queue_, wanted_.bound_to, key);
}

void consumer::declare(session& wire) {
  try {
    make_topology(wire);
  } catch (const broker_error& e) {
    if (e.is_channel_error) {
      close_pending_ = true;
      on_lost(e.what(), e.code);
    }
    throw;
  }
}

void consumer::withdraw(session& wire) {
  if (std::exchange(close_pending_, false))
    wire.confirm_channel_closed(channel_); // somebody else may get its number
  if (!is_consuming())
    return;
  try {
    acknowledge(wire);
    ledger_ = nullptr;
    if (wanted_.queue.exclusive)
      wire.delete_queue(channel_, queue_);
    wire.close_channel(channel_);
  } catch (const broker_error& e) {
    if (!e.is_channel_error)
      throw;
    wire.confirm_channel_closed(channel_);
  }
}

void consumer::on_lost(const std::string& why, int code) {
  ledger_ = nullptr;
  coming_ = std::make_unique<assembly>();
  retry_pause_ = std::clamp(retry_pause_ * 2, std::chrono::milliseconds(first_retry_pause),
                            std::chrono::milliseconds(last_retry_pause));
  retry_at_ = clock::now() + retry_pause_;
  if (handlers_.on_lost)
    handlers_.on_lost(why, code);
}

void consumer::on_frame(session& wire, const amqp_frame_t_& frame) {
  if (frame.frame_type == AMQP_FRAME_METHOD)
    on_method(wire, frame);
  else if (!ledger_)
    wire.release_buffers(channel_); // what was on its way when we stopped consuming
  else if (frame.frame_type == AMQP_FRAME_HEADER)
    on_header(wire, frame);
  else if (frame.frame_type == AMQP_FRAME_BODY)
    on_body(wire, frame);
}

void consumer::on_method(session& wire, const amqp_frame_t_& frame) {
  const auto& method = frame.payload.method;
  if (method.id == AMQP_BASIC_DELIVER_METHOD && ledger_) {
    const auto& d = *static_cast<amqp_basic_deliver_t*>(method.decoded);
    auto& c = *coming_;
    c.tag = d.delivery_tag;
    c.redelivered = d.redelivered != 0;
    c.exchange = view(d.exchange);
    c.routing_key = view(d.routing_key);
    c.has_header = false;
  } else if (method.id == AMQP_BASIC_CANCEL_METHOD) {
    // The queue was deleted; the channel lives, and is opened anew with the rest.
    wire.close_channel(channel_);
    on_lost("the queue was deleted", AMQP_NOT_FOUND);
  } else if (method.id == AMQP_CHANNEL_CLOSE_METHOD) {
    const auto& why = *static_cast<amqp_channel_close_t*>(method.decoded);
    close_pending_ = true;
    on_lost(std::to_string(why.reply_code) + " " + std::string(view(why.reply_text)),
            why.reply_code);
  }
}

void consumer::on_header(session& wire, const amqp_frame_t_& frame) {
  auto& c = *coming_;
  const auto& header = frame.payload.properties;
  c.has_header = true;
  c.body_size = header.body_size;
  c.received = 0;
  c.is_oversized = c.body_size > bounds_.body_bytes_max;
  c.body.clear();
  // Nearly all messages have one body frame, which comes before the library's buffers are released.
  c.properties = static_cast<amqp_basic_properties_t*>(header.decoded);
  if (c.body_size == 0) {
    hand_over({});
    wire.release_buffers(channel_);
  }
}

void consumer::on_body(session& wire, const amqp_frame_t_& frame) {
  auto& c = *coming_;
  if (!c.has_header)
    return;
  const auto fragment = view(frame.payload.body_fragment);
  const bool is_whole = c.received == 0 && fragment.size() == c.body_size;
  if (is_whole && !c.is_oversized) {
    c.received = fragment.size();
    hand_over(fragment);
    wire.release_buffers(channel_);
    return;
  }
  if (c.received == 0) {
    // Several frames: keep the properties by encoding them again, then let the buffers go.
    c.pool.recycle();
    c.raw_properties.resize(wire.frame_max());
    auto* decoded = const_cast<amqp_basic_properties_t*>(c.properties);
    const auto size = amqp_encode_properties(AMQP_BASIC_CLASS, decoded, bytes_of(c.raw_properties));
    void* again = nullptr;
    c.properties = nullptr;
    if (size >= 0) {
      c.raw_properties.resize(static_cast<size_t>(size));
      if (amqp_decode_properties(AMQP_BASIC_CLASS, c.pool.get(), bytes_of(c.raw_properties),
                                 &again) == AMQP_STATUS_OK)
        c.properties = static_cast<amqp_basic_properties_t*>(again);
    }
  }
  if (!c.is_oversized)
    c.body += fragment;
  c.received += fragment.size();
  wire.release_buffers(channel_);
  if (c.received >= c.body_size) {
    hand_over(c.body);
    c.body = {};
    c.raw_properties = {};
  }
}

void consumer::hand_over(std::string_view body) {
  auto& c = *coming_;
  static const amqp_basic_properties_t none{};
  delivery d;
  d.exchange = c.exchange;
  d.routing_key = c.routing_key;
  d.properties = c.properties == nullptr ? &none : c.properties;
  d.body = c.is_oversized ? std::string_view{} : body;
  d.body_size = c.body_size;
  d.is_oversized = c.is_oversized;
  d.redelivered = c.redelivered;
  c.has_header = false;
  last_delivery_ = clock::now();
  const auto cost = d.body.size() + 512;
  ledger_->add(c.tag, cost);
  handlers_.on_delivery(d, caf::make_counted<delivery_token>(ledger_, c.tag, cost));
}

bool consumer::should_acknowledge(clock::time_point now) const noexcept {
  if (!ledger_ || ledger_->settled() == 0)
    return false;
  return ledger_->settled() >= many() || now - last_ack_ >= ack_delay;
}

void consumer::acknowledge(session& wire) {
  last_ack_ = clock::now();
  for (const auto& step : ledger_->take()) {
    if (step.what == verdict::ack)
      wire.acknowledge(channel_, step.tag, step.multiple);
    else
      wire.reject(channel_, step.tag, step.what == verdict::requeue);
  }
}

} // namespace natterjack::amqp
