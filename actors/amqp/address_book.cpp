#include "actors/amqp/address_book.hpp"

#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <spdlog/spdlog.h>

namespace natterjack::amqp {

namespace {

using clock = std::chrono::steady_clock;
using end_atom = caf::atom_constant<caf::atom("end")>;

// After an outage CLU's actors need their five seconds to come back, and some to start.
constexpr auto return_time = std::chrono::seconds(10);
constexpr int absences_max = 2; // in a row: one may be an actor that is just reconnecting

} // namespace

// -- one address --------------------------------------------------------------

class address_book::remote_actor final : public relay::pinned_actor {
 public:
  remote_actor(caf::actor_config& config, relay::io_thread& thread,
               std::shared_ptr<address_book> book, std::string actor_name)
      : pinned_actor(config, thread, book->owner().node(),
                     book->owner().node().host(book->owner().options().id)),
        book_(std::move(book)), commands_(book_->commands_), name_(std::move(actor_name)),
        last_use_(clock::now()) {
    enter(ctrl());
  }

  const char* name() const override { return "amqp_remote_actor"; }

  // Monitors come and go this way, from any thread: while there are some, presence matters.
  void attach(caf::attachable_ptr what) override {
    ++watchers_;
    pinned_actor::attach(std::move(what));
  }
  size_t detach(const caf::attachable::token& what) override {
    const auto gone = pinned_actor::detach(what);
    watchers_ -= gone;
    return gone;
  }

  caf::behavior make_behavior() override {
    set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
      return caf::result<caf::message>{caf::sec::unexpected_message};
    });
    is_started_ = true;
    thread().set_timer(timer_, std::chrono::milliseconds(10)); // a first look soon
    return {
        [this](const hub::cancel_signal&) { quit(); },
        [this](end_atom) {
          quit(result().error.empty() ? caf::error{}
                                     : caf::make_error(caf::sec::runtime_error, result().error));
        },
    };
  }

  void on_exit() override {
    timer_.cancel();
    commands_->finish_all_of(name_, "the address was closed");
    commands_->forget_followers(name_);
    hub::process::leave();
    std::lock_guard guard(book_->mutex_);
    if (auto i = book_->actors_.find(name_); i != book_->actors_.end() && i->second.self == this)
      book_->actors_.erase(i);
  }

  void accept(const hub::message_ptr& what) override {
    what->settle();
    last_use_ = clock::now();
    if (what->topic() == "command")
      on_command(*what);
    else if (what->topic() == "follow")
      commands_->follow(name_, what->from(), id());
    else if (what->topic() == "unfollow")
      commands_->unfollow(name_, what->from());
    else
      refuse(what->from(), "",
             "unknown topic \"" + std::string(what->topic()) +
                 "\"; known are command, follow, unfollow");
  }

 private:
  void refuse(const hub::pid& to, const std::string& command_id, const std::string& why,
              const std::string& topic = {}) {
    commands_->tell(to, id(), describe_reply(command_id, name_, "f", true, false, error_body(why)),
                    hub::shared_bytes(topic));
  }

  struct asked {
    json_value command_string;
    std::string command_id;
    std::string commander; // of a command this one is part of
    std::string topic;     // of the replies
    bool internal = false;
    double timeout = 0;
  };

  // @returns what is wrong, or an empty text
  static std::string read(const hub::message& what, asked& to) {
    using kind = json_value::kind;
    const auto values = what.payloads();
    if (values.size() != 1 || values.front().kind() == hub::payload_kind::nil)
      return "a command is one value: a text, or a table with \"command\"";
    const auto& value = values.front();
    if (value.kind() != hub::payload_kind::json) {
      to.command_string = json_value(value.bytes());
      return {};
    }
    json_error error;
    const auto json = json_value::parse(value.bytes(), error);
    if (!json)
      return to_string(error);
    if (!json->is(kind::object)) {
      to.command_string = *json;
      return {};
    }
    if (const auto* v = json->find("topic"); v != nullptr && v->is(kind::text))
      to.topic = v->text();
    const auto* text = json->find("command");
    if (text == nullptr)
      text = json->find("command_string");
    if (text == nullptr)
      return "\"command\" is missing";
    to.command_string = *text;
    if (const auto* v = json->find("command_id"); v != nullptr && v->is_truthy())
      to.command_id = v->to_python_text();
    if (const auto* v = json->find("commander"); v != nullptr && v->is(kind::text))
      to.commander = v->text();
    if (const auto* v = json->find("internal"); v != nullptr)
      to.internal = v->is_truthy();
    if (const auto* v = json->find("timeout"); v != nullptr) {
      to.timeout = v->is(kind::real) ? v->real() : static_cast<double>(v->integer().value_or(-1));
      if (!(to.timeout > 0 && to.timeout < 1e8))
        return "\"timeout\" must be a number of seconds above 0, found " + v->to_python_text();
    }
    return {};
  }

  void on_command(const hub::message& what) {
    asked wanted;
    if (const auto problem = read(what, wanted); !problem.empty()) {
      refuse(what.from(), wanted.command_id, problem, wanted.topic);
      return;
    }
    auto& owner = book_->owner();
    auto made = make_command(owner.self(), name_, wanted.command_string, wanted.command_id);
    made->internal = wanted.internal;
    if (!wanted.commander.empty())
      made->commander_id = wanted.commander + "." + name_;
    if (const auto fault = find_fault(*made); !fault.empty()) {
      refuse(what.from(), made->id_text, fault, wanted.topic);
      return;
    }
    remote_commands::running one{what.from(), id(), made->id_text, name_, clock::time_point::max(),
                                 {}, hub::shared_bytes(wanted.topic)};
    if (wanted.timeout > 0) {
      one.deadline = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>(wanted.timeout));
      one.why_late = "no final reply within " + json_value(wanted.timeout).to_python_text() + " s";
    }
    const auto key = remote_commands::key_of(made->id_text, made->commander_id);
    if (!commands_->add(key, std::move(one))) {
      refuse(what.from(), made->id_text,
             "that command id is in use, or too many commands are running", wanted.topic);
      return;
    }
    // A failure reaches us as a reply; this is for the one that an outage swallows.
    owner.submit(std::move(made),
                 [&owner, held = book_, commands = commands_, key](const command_outcome& outcome) {
                   if (outcome.accepted)
                     return;
                   owner.run([&owner, held, commands, key, why = outcome.error] {
                     owner.later(std::chrono::seconds(2),
                                 [held, commands, key, why] { commands->finish(key, why); });
                   });
                 });
  }

  // -- presence

  void on_timer() {
    thread().set_timer(timer_, book_->options_.presence_interval);
    const bool is_wanted =
        watchers_ != 0 || commands_->is_busy(name_) || commands_->is_followed(name_);
    if (is_wanted) {
      last_use_ = clock::now();
      probe();
    } else if (clock::now() - last_use_ > book_->options_.idle_time) {
      end();
    }
  }

  // An actor can only quit while it handles a message; timers and answers of the broker are none.
  void end() {
    enqueue(nullptr, caf::make_message_id(), caf::make_message(end_atom::value), nullptr);
  }

  void probe() {
    auto& owner = book_->owner();
    if (owner.link().state() != link_state::up || is_probing_)
      return;
    is_probing_ = true;
    publication p;
    p.routing_key = name_ + "_replies"; // by the default exchange: to that queue and no other
    p.headers = json_value::make_object({{"command_id", json_value{}},
                                         {"commander_id", json_value{}},
                                         {"internal", json_value(true)},
                                         {"message_code", json_value("d")},
                                         {"sender", json_value(owner.self().name)}});
    p.content_type = "text/json";
    p.body = "{}";
    publish_options how;
    how.lane = 2;
    how.deadline = clock::now() + std::chrono::seconds(5);
    auto self = caf::actor_cast<caf::strong_actor_ptr>(ctrl());
    owner.link().publish(std::move(p), how, [this, self, &owner](const publish_outcome& outcome) {
      owner.run([this, self, result = outcome.result] { on_probed(result); });
    });
  }

  void on_probed(publish_result result) {
    is_probing_ = false;
    if (result == publish_result::confirmed)
      absences_ = 0;
    if (result != publish_result::unroutable || clock::now() - commands_->up_again() < return_time)
      return;
    if (++absences_ < absences_max)
      return;
    const auto why = "actor '" + name_ + "' is not on the exchange";
    commands_->finish_all_of(name_, why);
    ending().error = why;
    end();
  }

  std::shared_ptr<address_book> book_;
  std::shared_ptr<remote_commands> commands_;
  std::string name_;
  std::atomic<size_t> watchers_{0};
  bool is_started_ = false;
  bool is_probing_ = false;
  int absences_ = 0;
  clock::time_point last_use_;
  relay::timer_wheel::timer timer_{this, [](void* self) {
                                     static_cast<remote_actor*>(self)->on_timer();
                                   }};
};

// -- the book -----------------------------------------------------------------

std::shared_ptr<address_book> address_book::make(std::shared_ptr<bridge> owner,
                                                 const address_options& options) {
  auto made = std::shared_ptr<address_book>(new address_book(std::move(owner), options));
  made->commands_ =
      std::make_shared<remote_commands>(*made->bridge_, options.commands_max, options.outage_grace);
  made->bridge_->run([made] { made->commands_->start(); });
  return made;
}

address_book::address_book(std::shared_ptr<bridge> owner, const address_options& options)
    : bridge_(std::move(owner)), options_(options) {
}

address_book::~address_book() = default;

hub::process_ref address_book::find(std::string_view address, std::string* why) {
  auto refuse = [why](const std::string& text) {
    if (why != nullptr)
      *why = text;
    return hub::process_ref{};
  };
  const auto prefix = options_.scheme + ":";
  if (!address.starts_with(prefix))
    return refuse("an actor's address begins with \"" + prefix + '"');
  const std::string name(address.substr(prefix.size()));
  constexpr size_t name_bytes_max = 247; // "command." and the name are a routing key
  if (name.empty() || name.size() > name_bytes_max || !hub::is_utf8(name))
    return refuse("an actor's name has 1 to 247 bytes of UTF-8");
  std::lock_guard guard(mutex_);
  if (stopped_)
    return refuse("shutting down");
  if (auto i = actors_.find(name); i != actors_.end())
    return i->second;
  if (actors_.size() >= options_.addresses_max)
    return refuse("too many actor addresses are in use");
  auto& thread = bridge_->thread();
  caf::actor_config config{&thread};
  auto handle = bridge_->node().system().spawn_class<remote_actor, caf::no_spawn_options>(
      config, thread, shared_from_this(), name);
  hub::process_ref made;
  made.actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  made.self = static_cast<remote_actor*>(made.actor->get());
  actors_.emplace(name, made);
  return made;
}

void address_book::stop() {
  std::unordered_map<std::string, hub::process_ref> all;
  {
    std::lock_guard guard(mutex_);
    stopped_ = true;
    all.swap(actors_);
  }
  for (auto& [name, one] : all)
    one.actor->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}),
                       nullptr);
  bridge_->run([content = commands_] { content->stop(); });
}

size_t address_book::size() const {
  std::lock_guard guard(mutex_);
  return actors_.size();
}

} // namespace natterjack::amqp
