#include "runtime/lua/lua_process.hpp"

#include "hub/counters.hpp"
#include "relay/http/body_stream.hpp"

#include <caf/all.hpp>

#include <chrono>

namespace natterjack::runtime::lua {

namespace {

using run_atom = caf::atom_constant<caf::atom("luaRun")>;

const caf::message& run_message() {
  static const caf::message made = caf::make_message(run_atom::value);
  return made;
}

int64_t unix_seconds() {
  return std::chrono::system_clock::now().time_since_epoch() / std::chrono::seconds(1);
}

int64_t steady_ns() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

} // namespace

bool function_call::prolong(int64_t now_ns) {
  const auto& coming = is_http ? exchange.request->incoming : nullptr;
  const bool is_awaited = (exchange.stream && !exchange.stream->is_closed()) ||
                          (coming && !coming->has_ended() && !coming->is_closed());
  if (!is_awaited && (!exchange.stream || std::exchange(lost_client, true)))
    return false;
  due_ns = now_ns + allowed_ns;
  return true;
}

lua_process::lua_process(caf::actor_config& config, lua_runtime& runtime,
                         const hub::host_name* host, program_ptr program,
                         std::vector<hub::payload> arguments, spawn_options options, role what)
    : caf::event_based_actor(config), hub::process(runtime.node(), host), runtime_(runtime),
      options_(std::move(options)), arguments_(std::move(arguments)),
      box_(program->limits().mailbox), engine_(*this, runtime, std::move(program)), role_(what) {
  set_default_handler(caf::drop);
  set_down_handler([this](const caf::down_msg& down) { neighbour_down(down.source); });
  set_exit_handler([this](const caf::exit_msg& how) { neighbour_exit(how); });
  set_exception_handler([this](caf::scheduled_actor*, std::exception_ptr& what_flew) -> caf::error {
    try {
      std::rethrow_exception(what_flew);
    } catch (const std::exception& e) {
      fail(e.what(), {});
    } catch (...) {
      fail("unknown exception", {});
    }
    return caf::make_error(caf::sec::runtime_error, result_.error);
  });
  engine_.context = options_.context;
  enter(ctrl());
}

lua_process::~lua_process() = default;

// -- any thread ---------------------------------------------------------------

hub::send_result lua_process::deliver(hub::message_ptr what) noexcept {
  try {
    bool wake = false;
    const auto result = box_.put(std::move(what), wake);
    if (wake) {
      if (auto* later = hub::wake_list::current())
        later->add(*this, caf::strong_actor_ptr(ctrl()));
      else
        this->wake();
    }
    return result;
  } catch (const std::bad_alloc&) {
    return hub::send_result::mailbox_full;
  }
}

void lua_process::wake() noexcept {
  enqueue(nullptr, caf::make_message_id(), run_message(), nullptr);
}

std::optional<hub::relay_dialect> lua_process::dialect() const noexcept {
  return engine_.program_seen()->dialect();
}

hub::process_facts lua_process::facts() const {
  return {role_ == role::worker ? "function" : "lua",
          engine_.program_seen()->id(),
          box_.waiting(),
          memory_.load(std::memory_order_relaxed),
          box_.taken(),
          busy_ns_.load(std::memory_order_relaxed)};
}

// -- the actor ----------------------------------------------------------------

caf::behavior lua_process::make_behavior() {
  return {
      [this](run_atom) {
        scheduled_ = false;
        run_slice();
      },
      [this](timer_due_atom) { look_at_clock(); },
      [this](const hub::cancel_signal& signal) {
        engine_.collect(); // what was sent before comes before
        engine_.arrived(
            process_event{event_kind::cancel, signal.from, unix_seconds(), signal.reason, {}, 0});
        told_the_end_ |= signal.is_last;
        run_unless_scheduled();
      },
      [this](const function_call_ptr& what) { call(what); },
  };
}

caf::resumable::resume_result lua_process::resume(caf::execution_unit* context, size_t) {
  const hub::wake_list::scope batch; // receivers are woken once a slice
  return caf::event_based_actor::resume(context, 1);
}

void lua_process::on_exit() {
  if (!ended_ && role_ == role::process)
    result_.error = "terminated";
  ended_ = true;
  runtime_.note_end(engine_.program().id(),
                    {1, result_.error.empty() ? uint64_t{0} : uint64_t{1}, box_.taken(),
                     busy_ns_.load(std::memory_order_relaxed)});
  // Unread messages go first: their senders get their credit back.
  box_.close();
  if (call_) {
    main_end cut;
    cut.ended = cut.refused = true;
    cut.result.error = "the worker was terminated";
    cut.why = {error_kind::unavailable, cut.result.error, {}};
    call_ended(cut, worker_after::lost);
  }
  rested_ = nullptr;
  engine_.close();
  runtime_.timers().forget(hub::process::id().number());
  neighbours_.clear();
  hub::process::leave();
  first_wait();
}

void lua_process::schedule() noexcept {
  if (scheduled_)
    return;
  scheduled_ = true;
  enqueue(nullptr, caf::make_message_id(), run_message(), nullptr);
}

void lua_process::run_unless_scheduled() {
  if (!scheduled_)
    run_slice();
}

void lua_process::run_slice() {
  if (ended_)
    return;
  if (!engine_.is_open()) {
    auto why = engine_.open();
    if (why.empty() && role_ == role::process)
      why = engine_.start(std::move(arguments_));
    if (!why.empty())
      return fail(std::move(why), {});
  }
  const auto taken_before = box_.taken();
  const auto begun = steady_ns();
  const auto turn = engine_.run();
  note_slice(static_cast<uint64_t>(steady_ns() - begun), box_.taken() - taken_before);
  if (turn == engine::turn::ended)
    return main_ended();
  if (options_.on_first_wait && engine_.main_waits())
    first_wait();
  if (rested_ && turn == engine::turn::waiting &&
      (!engine_.has_tasks() || (engine_.is_stuck() && neighbours_.empty())))
    rest();
  if (turn == engine::turn::again || !box_.rest())
    schedule();
  else if (told_the_end_ && !engine_.listens_to_events())
    quit(caf::exit_reason::user_shutdown); // nobody would ever hear of it
}

void lua_process::note_slice(uint64_t ns, uint64_t messages) {
  hub::count(hub::counter::slices);
  hub::detail::add(busy_ns_, ns);
  memory_.store(engine_.memory_used(), std::memory_order_relaxed);
  if (messages != 0)
    hub::observe(hub::series::handling, ns / messages, messages);
}

void lua_process::first_wait() {
  if (auto call = std::exchange(options_.on_first_wait, nullptr))
    call();
}

void lua_process::main_ended() {
  auto& end = engine_.outcome();
  if (role_ == role::worker)
    return worker_ended(end);
  if (end.result.error.empty()) {
    ended_ = true;
    result_ = std::move(end.result);
    quit(caf::exit_reason::normal);
    return;
  }
  fail(std::move(end.result.error), end.traceback, error_facts_of(end.why));
}

// Late answers, and ends of processes it watches, are not for the next call to see.
bool lua_process::is_used_up() const noexcept {
  return engine_.has_asked_for_mail() || !neighbours_.empty();
}

void lua_process::worker_ended(main_end& end) {
  const bool fatal = end.fatal;
  if (rested_) { // a task has raised, with nobody left to answer
    runtime_.log(log_level::error, engine_.program().id(), hub::process::id(),
                 "a task of an answered call failed: " + end.result.error +
                     (end.traceback.empty() ? "" : "\n" + end.traceback));
    if (!fatal)
      rest();
  } else if (!fatal && end.result.error.empty() && engine_.has_tasks() && call_) {
    linger(end);
  } else if (!fatal && !is_used_up()) {
    call_ended(end, worker_after::free);
  } else {
    hub::process::leave(); // before anybody hears of the end: PID and names are gone by then
    call_ended(end, worker_after::lost);
    ended_ = true;
  }
  end = {};
  if (fatal) {
    ended_ = true;
    quit(caf::make_error(caf::sec::runtime_error, "a limit was reached"));
  } else if (ended_) {
    quit(caf::exit_reason::normal);
  } else if (rested_ || !box_.rest()) {
    schedule();
  }
}

void lua_process::fail(std::string error, const std::string& trace, hub::payload facts) {
  if (ended_)
    return;
  ended_ = true;
  result_ = {{}, error, std::move(facts)};
  runtime_.log(log_level::error, engine_.program().id(), hub::process::id(),
               trace.empty() ? "process failed: " + error
                             : "process failed: " + error + "\n" + trace);
  quit(caf::make_error(caf::sec::runtime_error, std::move(error)));
}

void lua_process::wake_at(int64_t due_ns) {
  runtime_.timers().set(hub::process::id().number(), ctrl(), due_ns);
}

void lua_process::call(function_call_ptr what) {
  call_ = std::move(what);
  call_->worker = hub::process::id();
  std::string why;
  if (!engine_.is_open())
    why = engine_.open();
  engine_.drop_mail();
  if (call_->is_http)
    engine_.set_exchange(&call_->exchange);
  if (why.empty())
    why = engine_.start(std::move(call_->arguments));
  if (!why.empty())
    engine_.fail_main(std::move(why));
  engine_.set_call(call_.get());
  engine_.context = call_->context;
  if (call_->due_ns != 0)
    wake_at(call_->due_ns);
  run_unless_scheduled();
}

void lua_process::call_ended(main_end& end, worker_after next) {
  engine_.set_exchange(nullptr);
  engine_.set_call(nullptr);
  engine_.drop_tasks(); // what it left running must not see the next call
  auto call = std::move(call_);
  if (call)
    call->done(end, next);
}

// The answer goes out, and what the call has begun goes on: no other call sees this state meanwhile.
void lua_process::linger(main_end& end) {
  engine_.set_exchange(nullptr);
  engine_.set_call(nullptr);
  const auto call = std::move(call_);
  rested_ = std::move(call->rested);
  lingers_until_ns_ = steady_ns() + call->linger.count();
  wake_at(lingers_until_ns_);
  call->done(end, worker_after::lingers);
}

// The last task has ended, or none can go on.
void lua_process::rest() {
  engine_.drop_tasks();
  const auto tell = std::exchange(rested_, nullptr);
  if (tell && is_used_up()) {
    ended_ = true;
    quit(caf::exit_reason::normal);
  } else if (tell) {
    tell();
  }
}

void lua_process::look_at_clock() {
  const auto now = steady_ns();
  if (call_ && call_->due_ns != 0 && now >= call_->due_ns && !call_->prolong(now)) {
    main_end cut;
    cut.ended = cut.timed_out = true;
    cut.result.error = "not done within its deadline";
    cut.why = {error_kind::timeout, cut.result.error, {}};
    call_ended(cut, worker_after::lost);
    ended_ = true;
    quit(caf::make_error(caf::sec::request_timeout, "deadline of a call"));
    return;
  }
  if (rested_ && now >= lingers_until_ns_) {
    runtime_.log(log_level::warn, engine_.program().id(), hub::process::id(),
                 "tasks of an answered call did not end in time: dropped");
    return rest();
  }
  engine_.fire_timers(now);
  auto next = engine_.next_due_ns();
  if (call_ && call_->due_ns != 0 && (next == 0 || call_->due_ns < next))
    next = call_->due_ns;
  if (rested_ && (next == 0 || lingers_until_ns_ < next))
    next = lingers_until_ns_;
  if (next != 0)
    wake_at(next);
  run_unless_scheduled();
}

// -- neighbours ---------------------------------------------------------------

lua_process::neighbour& lua_process::neighbour_of(const hub::process_ref& whom) {
  auto& entry = neighbours_[caf::actor_cast<caf::actor_addr>(whom.actor)];
  entry.who = whom;
  return entry;
}

bool lua_process::watch(const hub::process_ref& whom) {
  auto& entry = neighbour_of(whom);
  if (entry.monitored)
    return false;
  if (entry.awaited_by.empty())
    monitor(whom.actor);
  entry.monitored = true;
  return true;
}

bool lua_process::unwatch(const hub::process_ref& whom) {
  auto address = caf::actor_cast<caf::actor_addr>(whom.actor);
  auto i = neighbours_.find(address);
  if (i == neighbours_.end() || !i->second.monitored)
    return false;
  i->second.monitored = false;
  if (i->second.awaited_by.empty())
    demonitor(address);
  if (i->second.unused())
    neighbours_.erase(i);
  return true;
}

bool lua_process::tie(const hub::process_ref& whom) {
  auto& entry = neighbour_of(whom);
  if (entry.linked)
    return false;
  entry.linked = true;
  link_to(caf::actor_cast<caf::actor_addr>(whom.actor));
  return true;
}

bool lua_process::untie(const hub::process_ref& whom) {
  auto address = caf::actor_cast<caf::actor_addr>(whom.actor);
  auto i = neighbours_.find(address);
  if (i == neighbours_.end() || !i->second.linked)
    return false;
  i->second.linked = false;
  unlink_from(address);
  if (i->second.unused())
    neighbours_.erase(i);
  return true;
}

void lua_process::await_end(const hub::process_ref& whom, uint64_t task_number) {
  auto& entry = neighbour_of(whom);
  if (!entry.monitored && entry.awaited_by.empty())
    monitor(whom.actor);
  entry.awaited_by.push_back(task_number);
}

std::optional<hub::exit_result> lua_process::take_awaited(uint64_t task_number) {
  auto i = awaited_.find(task_number);
  if (i == awaited_.end())
    return std::nullopt;
  auto result = std::move(i->second);
  awaited_.erase(i);
  return result;
}

void lua_process::neighbour_down(const caf::actor_addr& who) {
  auto i = neighbours_.find(who);
  if (i == neighbours_.end() || ended_)
    return;
  auto& entry = i->second;
  const auto& how = entry.who.self->result();
  for (auto number : entry.awaited_by) {
    awaited_[number] = how;
    engine_.wake_task(number);
  }
  entry.awaited_by.clear();
  if (std::exchange(entry.monitored, false)) {
    engine_.collect(); // what it sent before it ended comes first
    engine_.arrived(
        process_event{event_kind::exit, entry.who.self->id(), unix_seconds(), {}, how, 0});
  }
  if (entry.unused())
    neighbours_.erase(i);
  run_unless_scheduled();
}

void lua_process::neighbour_exit(const caf::exit_msg& how) {
  if (ended_)
    return;
  const bool failed = how.reason && how.reason != caf::exit_reason::normal;
  if (how.source == address()) { // the runtime, or process.terminate: nobody resists that
    if (failed)
      end_with(how.reason);
    return;
  }
  hub::process_ref who;
  if (auto i = neighbours_.find(how.source); i != neighbours_.end()) {
    who = i->second.who;
    i->second.linked = false;
    if (i->second.unused())
      neighbours_.erase(i);
  } else if (auto actor = caf::actor_cast<caf::strong_actor_ptr>(how.source)) {
    // It linked itself to us.
    who = {actor, dynamic_cast<hub::process*>(actor->get())};
  }
  if (!failed)
    return;
  const auto from = who ? who.self->id() : hub::pid{};
  auto result = who ? who.self->result() : hub::exit_result{{}, to_string(how.reason)};
  if (!traps_links_)
    return fail("linked process failed: " + to_string(from) + (result.error.empty() ? "" : ": ") +
                    result.error,
                {});
  engine_.collect();
  engine_.arrived(
      process_event{event_kind::link_down, from, unix_seconds(), {}, std::move(result), 0});
  run_unless_scheduled();
}

void lua_process::end_with(const caf::error& reason) {
  ended_ = true;
  result_.error = "terminated";
  quit(reason);
}

} // namespace natterjack::runtime::lua
