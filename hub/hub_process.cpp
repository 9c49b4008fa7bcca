#include "hub/hub_process.hpp"

#include "hub/link_failure.hpp"
#include "hub/node.hpp"
#include "hub/relay_topics.hpp"

#include <caf/actor_system.hpp>
#include <caf/send.hpp>

namespace natterjack::hub {

namespace {

using run_atom = caf::atom_constant<caf::atom("hubRun")>;
using tick_atom = caf::atom_constant<caf::atom("hubTick")>;

constexpr size_t batch_max = 64;          // messages a turn
constexpr auto clock_step = std::chrono::minutes(1);

const caf::message& run_message() {
  static const caf::message made = caf::make_message(run_atom::value);
  return made;
}

} // namespace

hub_process::hub_process(caf::actor_config& config, hub::node& home, process_host& where,
                         const hub_class& what, hub_spawn_options options)
    : caf::event_based_actor(config), process(home, where.name()), where_(where), class_(what),
      options_(std::move(options)), inbox_(options_.limits.mailbox),
      client_group_("clients of " + to_string(process::id())) {
  set_default_handler(caf::drop);
  set_down_handler([this](const caf::down_msg& down) { neighbour_down(down.source); });
  set_exit_handler([this](const caf::exit_msg& how) { neighbour_exit(how); });
  set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& flew) -> caf::error {
    try {
      std::rethrow_exception(flew);
    } catch (const std::exception& e) {
      fail(e.what());
    } catch (...) {
      fail("unknown exception");
    }
    return caf::make_error(caf::sec::runtime_error, result().error);
  });
  enter(ctrl());
}

hub_process::~hub_process() = default;

// From any thread.
send_result hub_process::deliver(message_ptr what) noexcept {
  try {
    bool is_asleep = false;
    const auto result = inbox_.put(std::move(what), is_asleep);
    if (is_asleep) {
      if (auto* later = wake_list::current())
        later->add(*this, caf::strong_actor_ptr(ctrl()));
      else
        wake();
    }
    return result;
  } catch (const std::bad_alloc&) {
    return send_result::mailbox_full;
  }
}

caf::behavior hub_process::make_behavior() {
  return {
      [this](run_atom) { run(); },
      [this](tick_atom, int64_t due_ns) {
        fire_timers(hub_actor::time_point(std::chrono::nanoseconds(due_ns)));
      },
      [this](const cancel_signal& signal) {
        handle_queued(SIZE_MAX); // what was sent before comes before:
        handle_queued(SIZE_MAX); // what has been taken, then what has not
        call("on_stop", [this, &signal] { hub_->on_stop(signal.reason); });
        if (!ended_ && !stop_value_)
          stop_value_ = payload();
        end_if_asked();
      },
  };
}

caf::resumable::resume_result hub_process::resume(caf::execution_unit* context, size_t) {
  const wake_list::scope batch; // receivers are woken once a batch
  const auto next = caf::event_based_actor::resume(context, 1);
  told_ = {}; // nobody is held in memory between slices
  return next;
}

void hub_process::on_exit() {
  if (!ended_)
    ending().error = options_.entry + ": terminated";
  ended_ = true;
  // Before the messages it has not read: by the directory a sender tells those from what was taken.
  process::leave();
  inbox_.close();
  queued_.clear(); // unread: their senders get their credit back
  timers_.clear();
  for (const auto& [id, who] : clients_)
    home().groups().leave(client_group_, id);
  hub_.reset();
  for (const auto& [address, one] : neighbours_) // nobody else takes its monitors back
    if (one.monitored)
      demonitor(address);
  neighbours_.clear();
  first_wait();
}

void hub_process::wake() noexcept { enqueue(nullptr, caf::make_message_id(), run_message(), nullptr); }

void hub_process::first_wait() {
  if (auto told = std::exchange(options_.on_first_wait, nullptr))
    told();
}

// -- callbacks ----------------------------------------------------------------

template <class Call> void hub_process::call(const char* callback, Call&& run_it) {
  if (ended_ || !hub_)
    return;
  try {
    run_it();
  } catch (const std::exception& e) {
    return fail(std::string(callback) + ": " + problem_of(e));
  } catch (...) {
    return fail(std::string(callback) + ": something was thrown that is no std::exception");
  }
  end_if_asked();
}

void hub_process::end_if_asked() {
  if (ended_ || !stop_value_)
    return;
  ended_ = true;
  ending().value = std::move(*stop_value_);
  quit(caf::exit_reason::normal);
}

void hub_process::fail(std::string error) {
  if (ended_)
    return;
  ended_ = true;
  ending().error = options_.entry + ": " + std::move(error);
  if (options_.log)
    options_.log(log_level::error, options_.entry, process::id(),
                 "process failed: " + result().error);
  quit(caf::make_error(caf::sec::runtime_error, result().error));
}

void hub_process::begin() {
  try {
    hub_ = class_.make();
    hub_->process_ = this;
  } catch (const std::exception& e) {
    fail("constructor: " + problem_of(e));
  } catch (...) {
    fail("constructor: something was thrown that is no std::exception");
  }
  call("on_start", [this] { hub_->on_start(); });
  if (!ended_) // else it is told when it is gone
    first_wait();
}

// -- messages -----------------------------------------------------------------

void hub_process::run() {
  if (ended_)
    return;
  if (!hub_)
    begin();
  handle_queued(batch_max);
  if (!ended_ && (next_ < queued_.size() || !inbox_.rest()))
    wake();
}

void hub_process::handle_queued(size_t most) {
  if (next_ == queued_.size()) {
    next_ = 0;
    queued_.clear();
    inbox_.take_all(queued_);
  }
  for (; most > 0 && next_ < queued_.size() && !ended_ && hub_; --most) {
    const auto what = std::move(queued_[next_++]);
    inbox_.received(*what);
    received_.fetch_add(1, std::memory_order_relaxed);
    what->settle();
    handled_ = &what;
    handle(what);
    handled_ = nullptr;
  }
  if (next_ == queued_.size() && queued_.capacity() > 4 * batch_max)
    std::vector<message_ptr>().swap(queued_), next_ = 0;
}

void hub_process::handle(const message_ptr& message) {
  const incoming what(message);
  if (what.topic() == join_topic)
    return joined(what);
  const auto i = clients_.find(what.from());
  if (i == clients_.end())
    call("on_topic", [this, &what] { hub_->on_topic(what); });
  else if (what.topic() == leave_topic)
    left(what);
  else if (what.topic() == heartbeat_topic)
    beat(what);
  else
    call("on_message", [this, &what, i] { hub_->on_message(i->second, what); });
}

void hub_process::joined(const incoming& what) {
  call("on_join", [this, &what] {
    auto& who = clients_[what.from()];
    who.id = what.from();
    // Most endpoints hand nothing over: then there is nothing to parse for.
    if (what.text().find(R"("metadata")") != std::string_view::npos)
      if (const auto body = what.to_json(); body && body->is_object())
        who.metadata = body->value("metadata", json::object());
    if (auto connection = home().processes().find(who.id.number()))
      home().groups().join(client_group_, connection);
    hub_->on_join(who);
  });
}

void hub_process::left(const incoming& what) {
  call("on_leave", [this, &what] {
    home().groups().leave(client_group_, what.from());
    const auto who = clients_.extract(what.from());
    hub_->on_leave(who.mapped());
  });
}

void hub_process::beat(const incoming& what) {
  call("on_heartbeat", [this, &what] {
    auto& who = clients_[what.from()];
    heartbeat beat;
    if (const auto body = what.to_json(); body && body->is_object()) {
      beat.uptime = body->value("uptime", "");
      beat.messages = body->value("message_count", uint64_t{0});
      who.metadata = body->value("metadata", json::object());
    }
    hub_->on_heartbeat(who, beat);
  });
}

const shared_bytes& hub_process::topic_bytes(std::string_view topic) {
  if (last_topic_.view() != topic)
    last_topic_ = shared_bytes(topic);
  return last_topic_;
}

// What is said to one client after another is often said to the same.
send_result hub_process::tell(const pid& to, message_ptr what) {
  if (told_number_ != to.number() || !told_ || !told_.self->is_here()) {
    told_number_ = to.number();
    told_ = home().processes().find(to.number());
    if (!told_)
      told_ = home().successor_of(to.number());
  }
  return told_ ? told_.self->deliver(std::move(what)) : send_result::no_process;
}

// -- time ---------------------------------------------------------------------

hub_actor::time_point hub_process::now() noexcept { return home_system().clock().now(); }

void hub_process::fire_timers(hub_actor::time_point due) {
  clock_set_.erase(due);
  const auto until = now(); // what calls add comes later, even if it is due at once
  while (!ended_) {
    auto next = timers_.take_due(until);
    if (!next)
      break;
    call("timer", [&next] { (*next)(); });
  }
  set_clock();
}

// One wake-up for the first timer. Its message holds this actor, so it is never far away: a hub that ends
// is gone from memory soon after.
void hub_process::set_clock() {
  const auto due = timers_.next_due();
  if (ended_ || !due)
    return;
  const auto wanted = std::min(*due, now() + clock_step);
  if (!clock_set_.empty() && *clock_set_.begin() <= wanted)
    return;
  clock_set_.insert(wanted);
  delayed_send(this, std::max(wanted - now(), std::chrono::nanoseconds(0)), tick_atom::value,
               int64_t{wanted.time_since_epoch().count()});
}

// -- neighbours ---------------------------------------------------------------

hub_process::neighbour* hub_process::neighbour_of(const pid& whom) {
  auto who = home().processes().find(whom.number());
  if (!who || who.self->id() != whom || who.self == static_cast<process*>(this))
    return nullptr;
  auto& entry = neighbours_[caf::actor_cast<caf::actor_addr>(who.actor)];
  entry.who = std::move(who);
  return &entry;
}

void hub_process::forget_unused(const process_ref& whom) {
  const auto i = neighbours_.find(caf::actor_cast<caf::actor_addr>(whom.actor));
  if (i != neighbours_.end() && !i->second.monitored && !i->second.linked)
    neighbours_.erase(i);
}

void hub_process::neighbour_down(const caf::actor_addr& who) {
  const auto i = neighbours_.find(who);
  if (i == neighbours_.end() || ended_)
    return;
  const auto ended = i->second.who;
  const bool was_monitored = std::exchange(i->second.monitored, false);
  forget_unused(ended);
  if (!was_monitored)
    return;
  handle_queued(SIZE_MAX); // what it sent before it ended comes first
  call("on_down", [this, &ended] { hub_->on_down(ended.self->id(), ended.self->result()); });
}

void hub_process::neighbour_exit(const caf::exit_msg& how) {
  if (ended_)
    return;
  const bool failed = how.reason && how.reason != caf::exit_reason::normal;
  if (how.source == address() || !how.source) { // the runtime
    if (failed) {
      ended_ = true;
      ending().error = options_.entry + ": terminated";
      quit(how.reason);
    }
    return;
  }
  process_ref who;
  if (const auto i = neighbours_.find(how.source); i != neighbours_.end()) {
    who = i->second.who;
    i->second.linked = false;
    forget_unused(who);
  } else if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(how.source)) {
    who = {actor, dynamic_cast<process*>(actor->get())}; // it linked itself to us
  }
  if (!failed)
    return;
  const auto from = who ? who.self->id() : pid{};
  const auto result = who ? who.self->result() : exit_result{{}, caf::to_string(how.reason)};
  if (!traps_links_)
    return fail(link_failure(from, result.error));
  handle_queued(SIZE_MAX);
  call("on_link_down", [this, &from, &result] { hub_->on_link_down(from, result); });
}

// -- spawning -----------------------------------------------------------------

hub_spawned spawn_hub(node& home, process_host& where, const hub_class& what,
                      hub_spawn_options options) {
  if (!where.reserve())
    return {{},
            "host " + where.name()->host + " is full: limit max_processes (" +
                std::to_string(where.max_processes()) + ") reached"};
  auto made = home.system().spawn<hub_process, caf::lazy_init>(
      std::ref(home), std::ref(where), std::cref(what), std::move(options));
  auto strong = caf::actor_cast<caf::strong_actor_ptr>(made);
  auto* self = static_cast<hub_process*>(strong->get());
  where.hold(strong);
  self->start();
  return {{std::move(strong), self}, {}};
}

} // namespace natterjack::hub
