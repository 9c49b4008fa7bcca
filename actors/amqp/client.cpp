#include "actors/amqp/client.hpp"

#include "actors/amqp/client_wishes.hpp"
#include "relay/close_codes.hpp"
#include "relay/http/upgrade.hpp"
#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <spdlog/spdlog.h>

#include <deque>
#include <optional>

namespace natterjack::amqp {

namespace {

using closed_atom = caf::atom_constant<caf::atom("closed")>;
using going_away_atom = caf::atom_constant<caf::atom("goingaway")>; // as the relay's connections

class clu_client final : public relay::pinned_actor, public relay::ws_owner {
 public:
  clu_client(caf::actor_config& config, relay::io_thread& thread, const hub::host_name* host,
             std::shared_ptr<bridge> owner, std::shared_ptr<relay::ws_transport> transport,
             const client_options& options, const std::string& query)
      : pinned_actor(config, thread, owner->node(), host), bridge_(std::move(owner)),
        transport_(std::move(transport)), options_(options) {
    problems_ = read_wishes(query, wishes_);
    enter(ctrl());
    ++bridge_->stats().clients;
    ++bridge_->stats().clients_ever;
  }

  const char* name() const override { return "amqp_client"; }

  size_t outbox_bytes() const noexcept override {
    return outbox_bytes_.load(std::memory_order_relaxed);
  }

  caf::behavior make_behavior() override {
    set_exit_handler([this](const caf::exit_msg& exit) {
      if (exit.reason)
        close(1001, "closed by the server");
    });
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    return {
        [this](closed_atom) { quit(); },
        [this](going_away_atom) { close(1001, "server is shutting down"); },
        [this](const hub::cancel_signal& cancel) { close(1000, cancel.reason); },
    };
  }

  void on_exit() override {
    close(1001, "closed by the server");
    ping_timer_.cancel();
    if (wants_keys_)
      bridge_->want_keys(false);
    if (takes_deflated_)
      bridge_->want_deflated(false);
    --bridge_->stats().clients;
    hub::process::leave();
    // The last to hold this actor may be the broker's thread, with a command's outcome; socket, outbox
    // and timers of the transport belong to this one.
    transport_.reset();
  }

  // -- from the bridge

  void accept(const hub::message_ptr& what) override {
    // Not settled: the credit returns when the last thread has handed the reply on.
    if (state_ != state::open || what->topic() != bridge_topic)
      return;
    if (const auto* r = dynamic_cast<const reply*>(what->attachment())) {
      if (waiting_for_history_)
        held_back_.push_back(what);
      else
        pass(*r);
    } else if (const auto* n = dynamic_cast<const link_notice*>(what->attachment())) {
      tell_status(n->state, n->has_gap);
    }
  }

  // -- from the client

  void on_open() override {
    if (state_ != state::opening)
      return; // ended before it began
    state_ = state::open;
    // A smaller window than ours cannot read our frames; such a client gets plain ones.
    takes_deflated_ = transport_->deflate_bits() >= deflate_window_bits;
    if (takes_deflated_)
      bridge_->want_deflated(true);
    bridge_->join({caf::actor_cast<caf::strong_actor_ptr>(ctrl()), this});
    apply_wishes();
    set_ping(options_.ping_interval);
    transport_->read();
  }

  void on_message(relay::message_kind kind, std::string_view body) override {
    if (state_ != state::open)
      return;
    auto asked = read_request(body, kind == relay::message_kind::text, bridge_->self());
    const bool is_first = !std::exchange(has_spoken_, true);
    if (asked.wanted && asked.problem.empty())
      take_command(std::move(asked.wanted), body.size());
    else if (asked.wanted)
      refuse_command(*asked.wanted, asked.problem);
    else if (is_first && asked.object && asked.object->find("options") != nullptr)
      take_options(*asked.object->find("options"));
    else if (wishes_.acks)
      say_error(asked.problem, {});
    read_more();
  }

  void on_pong() override { is_ping_open_ = false; }
  void on_drained() override { outbox_bytes_.store(0, std::memory_order_relaxed); }

  void on_closed(const relay::ws_end& end) override {
    spdlog::debug("{} closed by {} code={}", to_string(id()), end.clean ? "handshake" : "loss",
                  end.code);
    state_ = state::closed;
    ping_timer_.cancel();
    held_back_.clear();
    finish_if_idle();
  }

  void on_message_too_big() override { close(1009, "message too big"); }
  void on_not_utf8() override { close(1007, "text is not UTF-8"); }

  void on_slow() override {
    if (state_ != state::open)
      return;
    ++bridge_->stats().clients_too_slow;
    spdlog::warn("{}: client {} does not read: {} bytes queued; closing", bridge_->options().id,
                 to_string(id()), transport_->outbox_bytes());
    state_ = state::closing;
    held_back_.clear();
    transport_->close_now(1013, "slow consumer");
  }

 private:
  enum class state : uint8_t { opening, open, closing, closed };

  // -- out

  void pass(const reply& what) {
    if (wishes_.filters()) {
      if (!wishes_.match(what) || (wishes_.own && !own_ids_.contains(what.command_id)))
        return;
    }
    send(takes_deflated_ && !what.deflated.empty() ? what.deflated : what.frame);
  }

  void send(hub::shared_bytes frame) {
    if (transport_->send(std::move(frame)) == relay::outbox::admitted::overflow)
      on_slow();
    outbox_bytes_.store(transport_->outbox_bytes(), std::memory_order_relaxed);
  }

  void say(const json_value& what) {
    std::string text;
    what.write(text, number_style::strict);
    send(relay::encode_frame(relay::opcode::text, text));
  }

  void say_error(const std::string& problem, const json_value& command_id) {
    auto what = json_value::make_object({{"error", json_value(problem)}});
    if (!command_id.is(json_value::kind::null))
      what.set("command_id", command_id);
    say(what);
  }

  void tell_status(link_state now, bool has_gap) {
    if (!wishes_.status)
      return;
    auto what = json_value::make_object({{"broker", json_value(to_string(now))}});
    if (has_gap)
      what.set("gap", json_value(true));
    say(what);
  }

  // -- wishes

  void take_options(const json_value& options) {
    problems_ = read_wishes(options, wishes_);
    apply_wishes();
  }

  void apply_wishes() {
    for (const auto& problem : std::exchange(problems_, {}))
      say_error(problem, {});
    if (!wishes_.keys.empty() && !std::exchange(wants_keys_, true))
      bridge_->want_keys(true);
    if (wishes_.status)
      tell_status(bridge_->link().state(), false);
    if (const auto count = std::exchange(wishes_.history, 0); count > 0)
      ask_history(count);
  }

  void ask_history(size_t count) {
    waiting_for_history_ = true;
    auto self = caf::actor_cast<caf::strong_actor_ptr>(ctrl());
    auto& home = thread();
    bridge_->read_history(count, [this, self, &home](std::vector<reply_ptr> last, uint64_t newest) {
      home.push_call([this, self, last = std::move(last), newest] { on_history(last, newest); });
    });
  }

  // What came meanwhile and is in the history too is not said twice.
  void on_history(const std::vector<reply_ptr>& last, uint64_t newest) {
    waiting_for_history_ = false;
    auto held = std::exchange(held_back_, {});
    if (state_ != state::open)
      return;
    say(json_value::make_object({{"history", json_value(static_cast<int64_t>(last.size()))}}));
    for (const auto& one : last)
      if (state_ == state::open)
        pass(*one);
    for (const auto& what : held) {
      const auto& one = static_cast<const reply&>(*what->attachment());
      if (state_ == state::open && one.number > newest)
        pass(one);
    }
  }

  // -- commands

  void take_command(std::shared_ptr<command> wanted, size_t bytes) {
    wanted->deadline = publish_clock::now() + bridge_->options().hold_time;
    if (wishes_.own)
      own_ids_.add(wanted->id_text);
    commands_.push_back({std::move(wanted), bytes});
    command_bytes_ += bytes;
    send_next();
  }

  // One at a time: a client's commands keep their order, also among failures.
  void send_next() {
    if (is_sending_ || commands_.empty())
      return;
    is_sending_ = true;
    auto next = std::move(commands_.front());
    commands_.pop_front();
    command_bytes_ -= next.bytes;
    auto self = caf::actor_cast<caf::strong_actor_ptr>(ctrl());
    auto& home = thread();
    auto wanted = next.wanted;
    bridge_->submit(std::move(wanted),
                    [this, self, &home, sent = next.wanted](const command_outcome& outcome) {
                      home.push_call([this, self, sent, outcome] { on_outcome(*sent, outcome); });
                    });
  }

  void on_outcome(const command& sent, const command_outcome& outcome) {
    is_sending_ = false;
    if (state_ == state::open && wishes_.acks) {
      if (outcome.accepted)
        say(json_value::make_object({{"ack", sent.id}}));
      else
        say_error(outcome.error, sent.id);
    }
    send_next();
    read_more();
    finish_if_idle();
  }

  // Never was on the exchange, so nobody else hears of it.
  void refuse_command(const command& wanted, const std::string& problem) {
    if (wishes_.acks)
      say_error(problem, wanted.id);
    else
      send(failure_reply(wanted, bridge_->self(), "Failed sending the command: " + problem + ".")
               ->frame);
  }

  bool has_command_room() const noexcept {
    return commands_.size() < options_.commands_max &&
           command_bytes_ < options_.command_bytes_max;
  }

  void read_more() {
    if (state_ != state::open)
      return;
    if (!has_command_room()) {
      is_held_back_ = true;
      return;
    }
    if (std::exchange(is_held_back_, false))
      is_ping_open_ = false; // its pong stands behind what was not read
    transport_->read();
  }

  // -- time and end

  void set_ping(std::chrono::nanoseconds delay) {
    if (options_.ping_interval.count() > 0)
      thread().set_timer(ping_timer_, delay);
  }

  void on_ping_timer() {
    if (state_ != state::open)
      return;
    // While we do not read, pongs stand behind what we leave there: they cannot be missed.
    if (is_ping_open_ && !is_held_back_) {
      spdlog::debug("{}: ping unanswered", to_string(id()));
      state_ = state::closing;
      transport_->close_now(1011, "keepalive ping timeout");
      return;
    }
    if (is_ping_due_) {
      is_ping_open_ = true;
      transport_->send_ping();
    }
    is_ping_due_ = !is_ping_due_;
    set_ping(is_ping_due_ ? options_.ping_interval : options_.ping_timeout);
  }

  void close(uint16_t code, std::string_view reason) {
    if (state_ == state::closing || state_ == state::closed)
      return;
    state_ = state::closing;
    ping_timer_.cancel();
    held_back_.clear();
    transport_->close(code, relay::cut_reason(reason));
  }

  // What a client has said before it left is still done.
  void finish_if_idle() {
    if (state_ == state::closed && !is_sending_ && commands_.empty())
      enqueue(nullptr, caf::make_message_id(), caf::make_message(closed_atom::value), nullptr);
  }

  struct queued_command {
    std::shared_ptr<command> wanted;
    size_t bytes;
  };

  std::shared_ptr<bridge> bridge_;
  std::shared_ptr<relay::ws_transport> transport_;
  client_options options_;
  state state_ = state::opening;
  client_wishes wishes_;
  std::vector<std::string> problems_; // with the wishes, until the client can be told
  bool wants_keys_ = false;
  bool takes_deflated_ = false;
  bool has_spoken_ = false;
  recent_ids own_ids_;
  bool waiting_for_history_ = false;
  std::vector<hub::message_ptr> held_back_; // until the history has been sent
  std::deque<queued_command> commands_;
  size_t command_bytes_ = 0;
  bool is_sending_ = false;
  bool is_held_back_ = false; // not read, for what it has said already
  bool is_ping_open_ = false;
  bool is_ping_due_ = true;
  std::atomic<size_t> outbox_bytes_{0};
  relay::timer_wheel::timer ping_timer_{this, [](void* self) {
                                          static_cast<clu_client*>(self)->on_ping_timer();
                                        }};
};

} // namespace

void start_client(relay::io_thread& thread, std::shared_ptr<relay::ws_transport> transport,
                  const relay::http_request& upgrade, std::shared_ptr<bridge> owner,
                  const client_options& options) {
  auto& node = owner->node();
  const auto* host =
      node.host(options.host_entry.empty() ? owner->options().id : options.host_entry);
  auto* raw = transport.get();
  caf::actor_config config{&thread};
  auto handle = node.system().spawn_class<clu_client, caf::no_spawn_options>(
      config, thread, host, std::move(owner), std::move(transport), options, upgrade.query);
  auto actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  auto* self = static_cast<clu_client*>(actor->get());
  raw->accept(upgrade, {}, std::move(actor), *self);
}

void mount(relay::router& routes, const std::string& pattern, std::shared_ptr<bridge> owner,
           const client_options& options) {
  relay::route added;
  added.pattern = pattern;
  added.method = ""; // what is no upgrade is told so, whatever its method
  added.handler = [](const std::shared_ptr<const relay::http_request>& asked,
                     const relay::http_reply& reply) {
    if (asked->method != "GET") {
      reply(relay::text_response(400, "a websocket handshake is a GET request"));
      return;
    }
    auto response =
        relay::text_response(426, "this address speaks websocket: send an upgrade request");
    response.set("Upgrade", "websocket");
    reply(std::move(response));
  };
  added.upgrade = [owner = std::move(owner), options](
                      std::shared_ptr<const relay::http_request> request,
                      std::shared_ptr<relay::ws_transport> transport, relay::io_thread& thread) {
    start_client(thread, std::move(transport), *request, owner, options);
  };
  auto open_to_all = std::make_shared<relay::route_options>();
  open_to_all->origins = relay::origin_rule("*");
  open_to_all->deflate = {deflate_window_bits, true}; // as CLU's server
  added.options = std::move(open_to_all);
  routes.add(std::move(added));
}

} // namespace natterjack::amqp
