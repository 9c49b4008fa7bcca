#include "actors/amqp/address_book.hpp"

#include "relay/pinned_actor.hpp"

#include <caf/actor_cast.hpp>
#include <caf/actor_system.hpp>

#include <spdlog/spdlog.h>

namespace natterjack::amqp {

namespace {

using clock = std::chrono::steady_clock;
using end_atom = caf::atom_constant<caf::atom("end")>;

constexpr auto sweep_interval = std::chrono::milliseconds(500);
// After an outage CLU's actors need their five seconds to come back, and some to start.
constexpr auto return_time = std::chrono::seconds(10);
constexpr int absences_max = 2; // in a row: one may be an actor that is just reconnecting
constexpr size_t followers_max = 10'000;

const hub::shared_bytes& reply_topic() {
  thread_local const hub::shared_bytes bytes(std::string_view("amqp.reply"));
  return bytes;
}

const char* status_of(std::string_view code) noexcept {
  return code == ":" ? "done" : code == "f" || code == "!" ? "failed" : "running";
}

// {"command_id":…,"actor":…,"code":…,"status":…,"final":…,"internal":…,"body":…}
hub::payload describe(std::string_view command_id, std::string_view actor, std::string_view code,
                      bool is_final, bool internal, std::string_view body) {
  std::string text = R"({"command_id": )";
  if (command_id.empty())
    text += "null";
  else
    append_python_text(text, command_id);
  text += R"(, "actor": )";
  append_python_text(text, actor);
  text += R"(, "code": )";
  append_python_text(text, code);
  text += R"(, "status": ")";
  text += status_of(code);
  text += is_final ? R"(", "final": true)" : R"(", "final": false)";
  text += internal ? R"(, "internal": true, "body": )" : R"(, "internal": false, "body": )";
  text += body;
  text += '}';
  return hub::payload::json(text);
}

std::string error_body(const std::string& why) {
  std::string body;
  json_value::make_object({{"error", json_value(why)}}).write(body, number_style::strict);
  return body;
}

} // namespace

// -- the desk -----------------------------------------------------------------

class address_book::desk : public std::enable_shared_from_this<address_book::desk> {
 public:
  struct running {
    hub::pid asker;
    hub::pid from; // the address it was sent to
    std::string id;
    std::string actor;
    clock::time_point deadline = clock::time_point::max();
    std::string why_late;
  };

  desk(bridge& owner, const address_options& options) : bridge_(owner), options_(options) {}

  void start() {
    reply_listener_ = bridge_.listen([this](const reply_ptr& what) { on_reply(*what); });
    link_listener_ = bridge_.listen_link([this](const link_event& event) { on_link(event); });
    sweep_later();
  }
  void stop() {
    if (std::exchange(stopped_, true))
      return;
    bridge_.forget(reply_listener_);
    bridge_.forget_link(link_listener_);
    while (!commands_.empty())
      finish(commands_.begin()->first, "shutting down");
  }

  static std::string key_of(std::string_view id, std::string_view commander_id) {
    return std::string(id) + '\n' + std::string(commander_id);
  }

  bool add(const std::string& key, running one) {
    if (commands_.size() >= options_.commands_max)
      return false;
    const auto actor = one.actor;
    if (!commands_.emplace(key, std::move(one)).second)
      return false;
    ++busy_[actor];
    return true;
  }

  // Ends a command with a failure of our own making, unless it has ended.
  void finish(const std::string& key, const std::string& why) {
    auto i = commands_.find(key);
    if (i == commands_.end())
      return;
    const auto one = std::move(i->second);
    drop(i);
    tell(one.asker, one.from, describe(one.id, one.actor, "f", true, false, error_body(why)));
  }

  void finish_all_of(const std::string& actor, const std::string& why) {
    std::vector<std::string> keys;
    for (const auto& [key, one] : commands_)
      if (one.actor == actor)
        keys.push_back(key);
    for (const auto& key : keys)
      finish(key, why);
  }

  bool is_busy(const std::string& actor) const { return busy_.count(actor) != 0; }
  clock::time_point up_again() const noexcept { return up_again_; }

  void follow(const std::string& actor, const hub::pid& who, const hub::pid& from) {
    auto& list = followers_[actor];
    if (list.size() < followers_max)
      list.insert_or_assign(who, from);
  }
  void unfollow(const std::string& actor, const hub::pid& who) {
    auto i = followers_.find(actor);
    if (i == followers_.end())
      return;
    i->second.erase(who);
    if (i->second.empty())
      followers_.erase(i);
  }
  void forget_followers(const std::string& actor) { followers_.erase(actor); }
  bool is_followed(const std::string& actor) const { return followers_.count(actor) != 0; }

  // @returns false if nobody is there any more
  bool tell(const hub::pid& to, const hub::pid& from, hub::payload what) {
    return bridge_.node().send(to, hub::make_message(from, reply_topic(), std::move(what))) !=
           hub::send_result::no_process;
  }

 private:
  using command_map = std::unordered_map<std::string, running>;

  void drop(command_map::iterator i) {
    if (auto b = busy_.find(i->second.actor); b != busy_.end() && --b->second == 0)
      busy_.erase(b);
    commands_.erase(i);
  }

  void on_reply(const reply& what) {
    if (!what.command_id.empty() && !commands_.empty())
      if (auto i = commands_.find(key_of(what.command_id, what.commander_id)); i != commands_.end()) {
        const auto one = i->second;
        if (what.is_final())
          drop(i);
        const bool is_there = tell(one.asker, one.from,
                                   describe(what.command_id, one.actor, what.code, what.is_final(),
                                            what.internal, what.body()));
        if (!is_there && !what.is_final())
          drop(commands_.find(key_of(what.command_id, what.commander_id)));
      }
    auto f = followers_.find(what.sender);
    if (f == followers_.end())
      return;
    const auto told = describe(what.command_id, what.sender, what.code, what.is_final(), what.internal,
                               what.body());
    for (auto i = f->second.begin(); i != f->second.end();)
      i = tell(i->first, i->second, told) ? std::next(i) : f->second.erase(i);
    if (f->second.empty())
      followers_.erase(f);
  }

  void on_link(const link_event& event) {
    if (event.state != link_state::up || !std::exchange(has_been_up_, true))
      return;
    up_again_ = clock::now();
    // What was said meanwhile is lost: a final may have been among it.
    for (auto& [key, one] : commands_)
      if (up_again_ + options_.outage_grace < one.deadline) {
        one.deadline = up_again_ + options_.outage_grace;
        one.why_late = "the broker was away, and no final reply came after it returned";
      }
  }

  void sweep_later() {
    bridge_.later(sweep_interval, [weak = weak_from_this()] {
      if (auto self = weak.lock(); self && !self->stopped_) {
        self->sweep();
        self->sweep_later();
      }
    });
  }

  void sweep() {
    const auto now = clock::now();
    std::vector<std::pair<std::string, std::string>> late;
    std::vector<std::string> orphans;
    for (const auto& [key, one] : commands_) {
      if (one.deadline <= now)
        late.emplace_back(key, one.why_late);
      else if (!bridge_.node().processes().find(one.asker.number()))
        orphans.push_back(key);
    }
    for (const auto& [key, why] : late)
      finish(key, why);
    for (const auto& key : orphans)
      drop(commands_.find(key));
  }

  bridge& bridge_;
  const address_options& options_;
  bool stopped_ = false;
  uint64_t reply_listener_ = 0;
  uint64_t link_listener_ = 0;
  command_map commands_;
  std::unordered_map<std::string, size_t> busy_; // actor -> commands running
  std::unordered_map<std::string, std::map<hub::pid, hub::pid>> followers_; // actor -> who, by what
  bool has_been_up_ = false;
  clock::time_point up_again_{};
};

// -- one address --------------------------------------------------------------

class address_book::remote_actor final : public relay::pinned_actor {
 public:
  remote_actor(caf::actor_config& config, relay::io_thread& thread, std::shared_ptr<address_book> book,
               std::string actor_name)
      : pinned_actor(config, thread, book->owner().node(),
                     book->owner().node().host(book->owner().options().id)),
        book_(std::move(book)), desk_(book_->desk_), name_(std::move(actor_name)),
        last_use_(clock::now()) {
    enter(ctrl());
  }

  const char* name() const override { return "amqp_remote_actor"; }

  // Monitors and links come this way, from any thread: then presence matters.
  void attach(caf::attachable_ptr what) override {
    is_watched_ = true;
    pinned_actor::attach(std::move(what));
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
          quit(result_.error.empty() ? caf::error{}
                                     : caf::make_error(caf::sec::runtime_error, result_.error));
        },
    };
  }

  void on_exit() override {
    timer_.cancel();
    desk_->finish_all_of(name_, "the address was closed");
    desk_->forget_followers(name_);
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
      desk_->follow(name_, what->from(), id());
    else if (what->topic() == "unfollow")
      desk_->unfollow(name_, what->from());
    else
      refuse(what->from(), "", "unknown topic \"" + std::string(what->topic()) +
                                   "\"; known are command, follow, unfollow");
  }

 private:
  void refuse(const hub::pid& to, const std::string& command_id, const std::string& why) {
    desk_->tell(to, id(), describe(command_id, name_, "f", true, false, error_body(why)));
  }

  struct asked {
    json_value command_string;
    std::string command_id;
    std::string commander; // of a command this one is part of
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
      refuse(what.from(), wanted.command_id, problem);
      return;
    }
    auto& owner = book_->owner();
    auto made = make_command(owner.self(), name_, wanted.command_string, wanted.command_id);
    made->internal = wanted.internal;
    if (!wanted.commander.empty())
      made->commander_id = wanted.commander + "." + name_;
    if (const auto fault = find_fault(*made); !fault.empty()) {
      refuse(what.from(), made->id_text, fault);
      return;
    }
    desk::running one{what.from(), id(), made->id_text, name_, clock::time_point::max(), {}};
    if (wanted.timeout > 0) {
      one.deadline = clock::now() + std::chrono::duration_cast<clock::duration>(
                                        std::chrono::duration<double>(wanted.timeout));
      one.why_late = "no final reply within " + json_value(wanted.timeout).to_python_text() + " s";
    }
    const auto key = desk::key_of(made->id_text, made->commander_id);
    if (!desk_->add(key, std::move(one))) {
      refuse(what.from(), made->id_text, "that command id is in use, or too many commands are running");
      return;
    }
    // A failure reaches us as a reply; this is for the one that an outage swallows.
    owner.submit(std::move(made), [&owner, held = book_, desk = desk_, key](const command_outcome& outcome) {
      if (outcome.accepted)
        return;
      owner.run([&owner, held, desk, key, why = outcome.error] {
        owner.later(std::chrono::seconds(2), [held, desk, key, why] { desk->finish(key, why); });
      });
    });
  }

  // -- presence

  void on_timer() {
    thread().set_timer(timer_, book_->options_.presence_interval);
    const bool is_wanted = is_watched_ || desk_->is_busy(name_) || desk_->is_followed(name_);
    if (is_wanted) {
      probe();
    } else if (clock::now() - last_use_ > book_->options_.idle_time) {
      end();
    }
  }

  // An actor can only quit while it handles a message; timers and answers of the broker are none.
  void end() { enqueue(nullptr, caf::make_message_id(), caf::make_message(end_atom::value), nullptr); }

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
    if (result != publish_result::unroutable || clock::now() - desk_->up_again() < return_time)
      return;
    if (++absences_ < absences_max)
      return;
    const auto why = "actor '" + name_ + "' is not on the exchange";
    desk_->finish_all_of(name_, why);
    result_.error = why;
    end();
  }

  std::shared_ptr<address_book> book_;
  std::shared_ptr<desk> desk_;
  std::string name_;
  std::atomic<bool> is_watched_{false};
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
  made->desk_ = std::make_shared<desk>(*made->bridge_, made->options_);
  made->bridge_->run([made] { made->desk_->start(); });
  return made;
}

address_book::address_book(std::shared_ptr<bridge> owner, const address_options& options)
    : bridge_(std::move(owner)), options_(options) {}

address_book::~address_book() = default;

hub::process_ref address_book::find(std::string_view address, std::string* why) {
  auto refuse = [why](const std::string& text) {
    if (why != nullptr)
      *why = text;
    return hub::process_ref{};
  };
  if (!address.starts_with(address_prefix))
    return refuse("an actor's address begins with \"amqp:\"");
  const std::string name(address.substr(address_prefix.size()));
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
    one.actor->enqueue(nullptr, caf::make_message_id(), caf::make_message(hub::cancel_signal{}), nullptr);
  bridge_->run([content = desk_] { content->stop(); });
}

size_t address_book::size() const {
  std::lock_guard guard(mutex_);
  return actors_.size();
}

} // namespace natterjack::amqp
