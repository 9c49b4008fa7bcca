#include "actors/amqp/feed.hpp"

#include "actors/amqp/delayed_calls.hpp"
#include "actors/amqp/field_table.hpp"
#include "actors/amqp/json_bytes.hpp"
#include "actors/amqp/quoted.hpp"
#include "hub/base64.hpp"
#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>
#include <caf/make_counted.hpp>

#include <spdlog/spdlog.h>

#include <deque>

namespace natterjack::amqp {

namespace {

constexpr auto retry_interval = std::chrono::milliseconds(100); // while the process is not there
constexpr size_t depth_max = 512;

void append_body(std::string& out, std::string_view body, std::string_view content_type) {
  if (content_type.find("json") != std::string_view::npos) {
    std::string storage;
    const auto text = decode_json_bytes(body, storage);
    transcode_options options;
    options.depth_max = depth_max;
    if (text && !transcode_json(*text, out, options))
      return;
  }
  if (hub::is_utf8(body)) {
    append_python_text(out, body);
    return;
  }
  out += '"';
  hub::append_base64(out, body);
  out += R"(", "encoding": "base64")";
}

// Without the closing brace: a token may follow.
std::string describe(const delivery& from) {
  const auto& p = *from.properties;
  static const amqp_table_t none{};
  std::string text = R"({"exchange": )";
  append_python_text(text, from.exchange);
  text += R"(, "routing_key": )";
  append_python_text(text, from.routing_key);
  text += R"(, "headers": )";
  append_json(text, (p._flags & AMQP_BASIC_HEADERS_FLAG) != 0 ? p.headers : none,
              number_style::strict);
  auto field = [&text, &p](const char* name, amqp_flags_t flag, const amqp_bytes_t& value) {
    if ((p._flags & flag) == 0)
      return;
    text += std::string(", \"") + name + "\": ";
    append_python_text(text, view(value));
  };
  field("content_type", AMQP_BASIC_CONTENT_TYPE_FLAG, p.content_type);
  field("message_id", AMQP_BASIC_MESSAGE_ID_FLAG, p.message_id);
  field("correlation_id", AMQP_BASIC_CORRELATION_ID_FLAG, p.correlation_id);
  field("reply_to", AMQP_BASIC_REPLY_TO_FLAG, p.reply_to);
  field("type", AMQP_BASIC_TYPE_FLAG, p.type);
  if ((p._flags & AMQP_BASIC_TIMESTAMP_FLAG) != 0)
    text += R"(, "timestamp": )" + std::to_string(p.timestamp);
  text += from.redelivered ? R"(, "redelivered": true, "body": )"
                           : R"(, "redelivered": false, "body": )";
  append_body(text, from.body,
              (p._flags & AMQP_BASIC_CONTENT_TYPE_FLAG) != 0 ? view(p.content_type)
                                                             : std::string_view{});
  return text;
}

// Acknowledges when the process takes the message; a process that ended without taking it gives it
// back. Neither before the feed has said that the message was handed over at all: what nobody took
// in is handed over once more, and still the feed's to settle.
class mailbox_credit final : public hub::credit_source {
 public:
  mailbox_credit(delivery_token_ptr token, hub::node& node, hub::pid receiver) noexcept
      : token_(std::move(token)), node_(node), receiver_(receiver) {}
  void give_back(size_t) noexcept override {
    const bool is_alive = static_cast<bool>(node_.processes().find(receiver_.number()));
    outcome_ = is_alive ? verdict::ack : verdict::requeue;
    note_one_of_two();
  }
  void handed_over() noexcept { note_one_of_two(); }

 private:
  void note_one_of_two() noexcept {
    if (one_is_noted_.exchange(true, std::memory_order_acq_rel))
      token_->settle(outcome_);
  }

  delivery_token_ptr token_;
  hub::node& node_;
  hub::pid receiver_;
  verdict outcome_ = verdict::open;
  std::atomic<bool> one_is_noted_{false};
};

} // namespace

class feed::worker final : public relay::pinned_actor {
 public:
  worker(caf::actor_config& config, relay::io_thread& thread, hub::node& node,
         const feed_options& options)
      : pinned_actor(config, thread, node, node.host(options.id)), options_(options),
        topic_(options.topic), delayed_(thread) {
    enter(ctrl());
  }

  const char* name() const override { return "amqp_feed"; }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) { on_down(down.source); });
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {[this](const hub::cancel_signal&) {
      quit();
    }};
  }

  void on_exit() override {
    has_ended_ = true;
    delayed_.clear();
    for (auto& one : waiting_)
      one.token->settle(verdict::requeue);
    waiting_.clear();
    requeue_all();
    hub::process::leave();
  }

  // On the thread, as all below.
  void take(std::string text, delivery_token_ptr token) {
    if (has_ended_) {
      token->settle(verdict::requeue);
      return;
    }
    waiting_.push_back({std::move(text), std::move(token)});
    hand_over();
  }

  void accept(const hub::message_ptr& what) override {
    what->settle();
    json_error error;
    std::optional<json_value> said;
    if (what->payloads().size() == 1)
      said = json_value::parse(what->payloads().front().bytes(), error, depth_max);
    const auto* token = said ? said->find("token") : nullptr;
    auto i =
        token == nullptr ? unacknowledged_.end() : unacknowledged_.find(token->to_python_text());
    const bool is_ack = what->topic() == "ack";
    if (i == unacknowledged_.end() || (!is_ack && what->topic() != "reject")) {
      spdlog::warn("{}: {} from {} names no delivery that waits for an ack", options_.id,
                   what->topic(), to_string(what->from()));
      return;
    }
    const auto* requeue = said->find("requeue");
    const bool again = requeue != nullptr && requeue->is_truthy();
    i->second->settle(is_ack ? verdict::ack : again ? verdict::requeue : verdict::reject);
    unacknowledged_.erase(i);
  }

 private:
  struct waiting {
    std::string text;
    delivery_token_ptr token;
  };

  void hand_over() {
    while (!waiting_.empty()) {
      auto to = home().resolve(options_.process);
      if (!to || !give(to, waiting_.front())) {
        if (!std::exchange(is_retrying_, true))
          delayed_.add(retry_interval, [this] {
            is_retrying_ = false;
            hand_over();
          });
        return;
      }
      waiting_.pop_front();
    }
  }

  bool give(const hub::process_ref& to, waiting& one) {
    if (!options_.manual_acks) {
      const auto credit = caf::make_counted<mailbox_credit>(one.token, home(), to.self->id());
      if (to.self->deliver(hub::make_message(id(), topic_, hub::payload::json(one.text + "}"),
                                             hub::credit(credit, 0))) != hub::send_result::sent)
        return false;
      credit->handed_over();
      return true;
    }
    const auto name = std::to_string(++last_token_);
    if (to.self->deliver(hub::make_message(
            id(), topic_, hub::payload::json(one.text + R"(, "token": ")" + name + R"("})"))) !=
        hub::send_result::sent)
      return false;
    if (watched_ != to.actor) {
      requeue_all();
      watched_ = to.actor;
      monitor(to.actor);
    }
    unacknowledged_.emplace(name, std::move(one.token));
    return true;
  }

  void on_down(const caf::actor_addr& who) {
    if (!watched_ || watched_->address() != who)
      return;
    watched_ = nullptr;
    requeue_all();
  }

  void requeue_all() {
    for (auto& [name, token] : unacknowledged_)
      token->settle(verdict::requeue);
    unacknowledged_.clear();
  }

  feed_options options_;
  hub::shared_bytes topic_;
  delayed_calls delayed_;
  bool has_ended_ = false;
  bool is_retrying_ = false;
  std::deque<waiting> waiting_;
  uint64_t last_token_ = 0;
  std::unordered_map<std::string, delivery_token_ptr> unacknowledged_;
  caf::strong_actor_ptr watched_;
};

std::shared_ptr<feed> feed::make(hub::node& node, relay::io_thread& thread, connection& link,
                                 feed_options options) {
  return std::shared_ptr<feed>(new feed(node, thread, link, std::move(options)));
}

feed::feed(hub::node& node, relay::io_thread& thread, connection& link, feed_options options)
    : node_(node), thread_(thread), link_(link), options_(std::move(options)) {
}

feed::~feed() = default;

hub::process_ref feed::process() const {
  return {handle_, worker_};
}

void feed::start(std::function<void(const std::string&)> on_first) {
  caf::actor_config config{&thread_};
  auto handle =
      node_.system().spawn_class<worker, caf::no_spawn_options>(config, thread_, node_, options_);
  handle_ = caf::actor_cast<caf::strong_actor_ptr>(handle);
  worker_ = static_cast<worker*>(handle_->get());
  auto first = std::make_shared<std::function<void(const std::string&)>>(std::move(on_first));
  auto tell_first = [first](const std::string& problem) {
    if (auto call = std::exchange(*first, nullptr))
      call(problem);
  };
  consumer_handlers handlers;
  handlers.on_ready = [id = options_.id, tell_first](const std::string& queue) {
    spdlog::debug("{}: consuming from {}", id, queue);
    tell_first({});
  };
  handlers.on_lost = [id = options_.id, tell_first](const std::string& why, int code) {
    if (code == 0)
      return;
    spdlog::error("{}: cannot consume: {}", id, why);
    tell_first(why);
  };
  handlers.on_delivery = [self = shared_from_this()](const delivery& from,
                                                     const delivery_token_ptr& token) {
    if (from.is_oversized) {
      spdlog::warn("{}: a message of {} bytes, routing key {}, is too big: rejected",
                   self->options_.id, from.body_size, quoted(from.routing_key));
      token->settle(verdict::reject);
      return;
    }
    self->thread_.push_call([handle = self->handle_, target = self->worker_, token,
                             text = describe(from)] { target->take(text, token); });
  };
  number_ = link_.consume(options_.queue, std::move(handlers));
}

void feed::stop() {
  if (!handle_)
    return;
  handle_->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}),
                   nullptr);
  link_.cancel(number_);
}

// -- publications -------------------------------------------------------------

std::optional<publication> read_publication(const json_value& fields, std::string& problem) {
  using kind = json_value::kind;
  publication p;
  auto fail = [&problem](const std::string& why) {
    problem = why;
    return std::nullopt;
  };
  if (!fields.is(kind::object))
    return fail("a publication is a table with \"exchange\", \"routing_key\" and \"body\"");
  const std::pair<const char*, std::string*> texts[] = {{"exchange", &p.exchange},
                                                        {"routing_key", &p.routing_key},
                                                        {"content_type", &p.content_type},
                                                        {"content_encoding", &p.content_encoding},
                                                        {"correlation_id", &p.correlation_id},
                                                        {"reply_to", &p.reply_to},
                                                        {"expiration", &p.expiration},
                                                        {"message_id", &p.message_id},
                                                        {"type", &p.type},
                                                        {"app_id", &p.app_id}};
  for (const auto& [name, value] : fields.members()) {
    const auto* text = std::find_if(std::begin(texts), std::end(texts),
                                    [&name](const auto& t) { return name == t.first; });
    if (text != std::end(texts)) {
      if (!value.is(kind::text))
        return fail(name + ": expected a text, found " + value.to_python_text());
      *text->second = value.text();
    } else if (name == "body") {
      if (value.is(kind::text)) {
        p.body = value.text();
      } else {
        value.write(p.body, number_style::strict);
        if (p.content_type.empty())
          p.content_type = "application/json";
      }
    } else if (name == "headers") {
      if (!value.is(kind::object) && value.is_truthy())
        return fail("headers: expected a table, found " + value.to_python_text());
      p.headers = value.is(kind::object) ? value : json_value{};
    } else if (name == "priority") {
      const auto n = value.integer().value_or(-1);
      if (n < 0 || n > 255)
        return fail("priority: expected 0 to 255, found " + value.to_python_text());
      p.priority = static_cast<uint8_t>(n);
    } else if (name == "timestamp") {
      const auto n = value.integer().value_or(-1);
      if (n < 0)
        return fail("timestamp: expected seconds since 1970, found " + value.to_python_text());
      p.timestamp = static_cast<uint64_t>(n);
    } else if (name == "persistent") {
      p.delivery_mode = value.is_truthy() ? 2 : 1;
    } else if (name == "mandatory") {
      p.mandatory = value.is_truthy();
    } else {
      return fail("unknown field \"" + name + "\"");
    }
  }
  if (fields.find("exchange") == nullptr && fields.find("routing_key") == nullptr)
    return fail("\"exchange\" and \"routing_key\" are missing");
  return p;
}

} // namespace natterjack::amqp
