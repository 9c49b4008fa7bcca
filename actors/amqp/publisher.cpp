#include "actors/amqp/publisher.hpp"

#include "actors/amqp/field_table.hpp"
#include "actors/amqp/session.hpp"

#include <algorithm>

namespace natterjack::amqp {

namespace {

constexpr size_t chunk_bytes = 32 << 10;      // fits a socket that poll calls writable
constexpr size_t header_bytes_max = 64 << 10; // one frame, with room to spare
constexpr size_t short_text_max = 255;        // AMQP 0-9-1, 4.2.5.3

size_t encoded_size(const json_value& value) noexcept {
  size_t sum = 16 + value.text().size();
  for (const auto& element : value.elements())
    sum += encoded_size(element);
  for (const auto& [key, member] : value.members())
    sum += key.size() + encoded_size(member);
  return sum;
}

amqp_basic_properties_t to_properties(const publication& p, memory_pool& pool) {
  amqp_basic_properties_t result{};
  auto put = [&result](amqp_bytes_t& field, const std::string& text, amqp_flags_t flag) {
    if (text.empty())
      return;
    field = bytes_of(text);
    result._flags |= flag;
  };
  put(result.content_type, p.content_type, AMQP_BASIC_CONTENT_TYPE_FLAG);
  put(result.content_encoding, p.content_encoding, AMQP_BASIC_CONTENT_ENCODING_FLAG);
  put(result.correlation_id, p.correlation_id, AMQP_BASIC_CORRELATION_ID_FLAG);
  put(result.reply_to, p.reply_to, AMQP_BASIC_REPLY_TO_FLAG);
  put(result.expiration, p.expiration, AMQP_BASIC_EXPIRATION_FLAG);
  put(result.message_id, p.message_id, AMQP_BASIC_MESSAGE_ID_FLAG);
  put(result.type, p.type, AMQP_BASIC_TYPE_FLAG);
  put(result.app_id, p.app_id, AMQP_BASIC_APP_ID_FLAG);
  if (p.headers.is(json_value::kind::object)) {
    result.headers = to_table(p.headers, pool);
    result._flags |= AMQP_BASIC_HEADERS_FLAG;
  }
  result.delivery_mode = p.delivery_mode;
  result._flags |= AMQP_BASIC_DELIVERY_MODE_FLAG;
  if (p.priority) {
    result.priority = *p.priority;
    result._flags |= AMQP_BASIC_PRIORITY_FLAG;
  }
  if (p.timestamp) {
    result.timestamp = *p.timestamp;
    result._flags |= AMQP_BASIC_TIMESTAMP_FLAG;
  }
  return result;
}

void check(int status) {
  if (status != AMQP_STATUS_OK)
    throw broker_error(0, false, std::string("cannot publish: ") + amqp_error_string2(status));
}

} // namespace

std::string publisher::find_fault(const publication& p) {
  const std::pair<const char*, const std::string*> texts[] = {
      {"exchange", &p.exchange},
      {"routing key", &p.routing_key},
      {"content type", &p.content_type},
      {"content encoding", &p.content_encoding},
      {"correlation id", &p.correlation_id},
      {"reply_to", &p.reply_to},
      {"expiration", &p.expiration},
      {"message id", &p.message_id},
      {"type", &p.type},
      {"app id", &p.app_id}};
  for (const auto& [name, text] : texts) {
    if (text->size() > short_text_max)
      return std::string("the ") + name + " has " + std::to_string(text->size()) +
             " bytes, at most " + std::to_string(short_text_max) + " are possible";
    if (has_surrogate(*text))
      return std::string("the ") + name + " holds a lone surrogate, which UTF-8 cannot say";
  }
  if (encoded_size(p.headers) > header_bytes_max)
    return "the headers are over " + std::to_string(header_bytes_max) + " bytes";
  try {
    memory_pool pool;
    to_table(p.headers, pool);
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return {};
}

// -- from any thread ----------------------------------------------------------

void publisher::enqueue(publication what, const publish_options& options, publish_done done) {
  if (what.message_id.empty())
    what.message_id = make_message_id();
  if (!done)
    done = [](const publish_outcome&) {
    };
  item made{std::move(what), options, std::move(done), !open_, false, false, {}};
  if (auto fault = find_fault(made.what); !fault.empty()) {
    report(made, publish_result::invalid, std::move(fault));
    return;
  }
  const auto size = made.what.size();
  auto refusal = publish_result::stopped;
  {
    std::lock_guard guard(mutex_);
    const bool is_full = waiting_.size() >= bounds_.waiting_messages_max ||
                         waiting_bytes_ + size > bounds_.waiting_bytes_max;
    if (!stopped_ && !is_full) {
      waiting_.push_back(std::move(made));
      waiting_bytes_ += size;
      return;
    }
    if (!stopped_)
      refusal = publish_result::queue_full;
  }
  report(made, refusal,
         refusal == publish_result::queue_full ? "too many messages wait for the broker"
                                               : "shutting down");
}

void publisher::expire(publish_clock::time_point now) {
  std::vector<item> late;
  {
    std::lock_guard guard(mutex_);
    for (auto i = waiting_.begin(); i != waiting_.end();) {
      if (i->options.deadline > now) {
        ++i;
        continue;
      }
      waiting_bytes_ -= i->what.size();
      late.push_back(std::move(*i));
      i = waiting_.erase(i);
    }
  }
  for (auto& one : late)
    report(one, one.sent_before ? publish_result::unconfirmed : publish_result::expired,
           "the broker could not be reached in time");
}

size_t publisher::waiting() const {
  std::lock_guard guard(mutex_);
  return waiting_.size();
}

size_t publisher::unfinished() const {
  return waiting() + sent_.size();
}

void publisher::report(item& one, publish_result result, std::string text) {
  if (result == publish_result::confirmed)
    ++stats_.confirmed;
  else if (result == publish_result::unroutable)
    ++stats_.unroutable;
  else
    ++stats_.failed;
  if (auto done = std::exchange(one.done, nullptr))
    done({result, std::move(text), one.waited});
}

// -- the connection's thread --------------------------------------------------

void publisher::on_opened() {
  first_number_ = 1; // of this channel's publications
  open_ = true;
}

void publisher::on_lost(const std::string& why, int code) {
  open_ = false;
  large_is_open_ = false;
  by_message_id_.clear();
  auto lost = std::move(sent_);
  sent_.clear();
  std::deque<item> again;
  for (auto& one : lost) {
    if (!one.done)
      continue; // told already, and kept for its place among the confirms
    // A closed channel names the exchange it could not find; what else was on its way is not to
    // blame.
    const bool is_to_blame =
        code != 0 && why.find("'" + one.what.exchange + "'") != std::string::npos;
    if (is_to_blame) {
      report(one, publish_result::refused, why);
    } else if (one.options.resend) {
      one.sent_before = one.waited = true;
      one.is_returned = false;
      ++stats_.resent;
      again.push_back(std::move(one));
    } else {
      report(one, publish_result::unconfirmed, why);
    }
  }
  std::lock_guard guard(mutex_);
  while (!again.empty()) {
    waiting_bytes_ += again.back().what.size();
    waiting_.push_front(std::move(again.back()));
    again.pop_back();
  }
  for (auto& one : waiting_)
    one.waited = true;
}

bool publisher::take_next(item& next) {
  std::lock_guard guard(mutex_);
  if (waiting_.empty())
    return false;
  next = std::move(waiting_.front());
  waiting_.pop_front();
  waiting_bytes_ -= next.what.size();
  return true;
}

bool publisher::flush(session& wire) {
  size_t since_look = chunk_bytes; // written since the socket was last asked
  for (;;) {
    if (large_is_open_) {
      if (!wire.is_writable() || continue_large(wire))
        return true;
      since_look = chunk_bytes;
    }
    if (sent_.size() >= bounds_.unconfirmed_max)
      return false; // the broker's confirms come first
    if (since_look >= chunk_bytes) {
      if (!wire.is_writable())
        return waiting() > 0;
      since_look = 0;
    }
    item next;
    if (!take_next(next))
      return false;
    if (next.options.deadline <= publish_clock::now()) {
      report(next, next.sent_before ? publish_result::unconfirmed : publish_result::expired,
             "the broker could not be reached in time");
      continue;
    }
    const auto number = first_number_ + sent_.size();
    if (next.what.mandatory)
      by_message_id_[next.what.message_id] = number;
    sent_.push_back(std::move(next));
    since_look += sent_.back().what.size();
    if (sent_.back().what.body.size() <= chunk_bytes)
      send_small(wire, sent_.back());
    else
      begin_large(wire, sent_.back());
  }
}

void publisher::send_small(session& wire, item& next) {
  memory_pool pool;
  const auto properties = to_properties(next.what, pool);
  check(amqp_basic_publish(wire.raw(), channel_, bytes_of(next.what.exchange),
                           bytes_of(next.what.routing_key), next.what.mandatory ? 1 : 0, 0,
                           &properties, bytes_of(next.what.body)));
}

void publisher::begin_large(session& wire, item& next) {
  memory_pool pool;
  auto properties = to_properties(next.what, pool);
  amqp_basic_publish_t method{};
  method.exchange = bytes_of(next.what.exchange);
  method.routing_key = bytes_of(next.what.routing_key);
  method.mandatory = next.what.mandatory ? 1 : 0;
  check(amqp_send_method(wire.raw(), channel_, AMQP_BASIC_PUBLISH_METHOD, &method));
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_HEADER;
  frame.channel = channel_;
  frame.payload.properties.class_id = AMQP_BASIC_CLASS;
  frame.payload.properties.body_size = next.what.body.size();
  frame.payload.properties.decoded = &properties;
  check(amqp_send_frame(wire.raw(), &frame));
  large_is_open_ = true;
  large_sent_ = 0;
}

// @returns true if more of it is to be written
bool publisher::continue_large(session& wire) {
  const std::string_view body = sent_.back().what.body;
  amqp_frame_t frame{};
  frame.frame_type = AMQP_FRAME_BODY;
  frame.channel = channel_;
  const auto size = std::min({chunk_bytes, wire.frame_max() - 8, body.size() - large_sent_});
  frame.payload.body_fragment = bytes_of(body.substr(large_sent_, size));
  check(amqp_send_frame(wire.raw(), &frame));
  large_sent_ += size;
  large_is_open_ = large_sent_ < body.size();
  return large_is_open_;
}

void publisher::finish(item& one, bool accepted) {
  if (!accepted)
    report(one, publish_result::refused, "the broker refused it");
  else if (one.is_returned)
    report(one, publish_result::unroutable, std::move(one.why));
  else
    report(one, publish_result::confirmed);
}

void publisher::on_ack(uint64_t number, bool multiple, bool accepted) {
  if (number < first_number_ || number >= first_number_ + sent_.size())
    return;
  if (!multiple && number != first_number_) {
    auto& one = sent_[number - first_number_];
    if (one.done)
      finish(one, accepted);
    one.what.body.clear();
    one.options.resend = false; // settled; its place is kept until the earlier ones are
    return;
  }
  for (bool last = false; !last; ++first_number_) {
    last = first_number_ == number;
    if (sent_.front().done)
      finish(sent_.front(), accepted);
    by_message_id_.erase(sent_.front().what.message_id);
    sent_.pop_front();
  }
  // What was settled out of order stands at the front now, without anybody to tell.
  for (; !sent_.empty() && !sent_.front().done && !(large_is_open_ && sent_.size() == 1);
       ++first_number_) {
    by_message_id_.erase(sent_.front().what.message_id);
    sent_.pop_front();
  }
}

void publisher::on_return(std::string_view message_id, const std::string& why) {
  auto i = by_message_id_.find(std::string(message_id));
  if (i == by_message_id_.end() || i->second < first_number_)
    return;
  auto& one = sent_[i->second - first_number_];
  one.is_returned = true;
  one.why = why;
}

void publisher::expire_sent(publish_clock::time_point now) {
  for (auto& one : sent_)
    if (one.done && one.options.deadline <= now)
      report(one, publish_result::unconfirmed, "the broker did not confirm it in time");
}

void publisher::stop() {
  std::deque<item> left;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    left.swap(waiting_);
    waiting_bytes_ = 0;
  }
  for (auto& one : sent_)
    if (one.done)
      report(one, publish_result::unconfirmed, "shutting down");
  sent_.clear();
  for (auto& one : left)
    report(one, publish_result::stopped, "shutting down");
}

} // namespace natterjack::amqp
