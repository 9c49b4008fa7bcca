#include "runtime/lua/process/lua_process.hpp"

#include "hub/counters.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/failure_log.hpp"

#include <caf/all.hpp>

namespace natterjack::runtime::lua {

namespace {

using run_atom = caf::atom_constant<caf::atom("luaRun")>;

const caf::message& run_message() {
  static const caf::message made = caf::make_message(run_atom::value);
  return made;
}

} // namespace

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
    return caf::make_error(caf::sec::runtime_error, result().error);
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
        cancelled(signal);
        run_unless_scheduled();
      },
      [this](const function_call_ptr& what) { call(what); },
  };
}

bool lua_process::takes_cancel() noexcept {
  constexpr int64_t cancels_max = 1000; // not looked at yet, of all senders
  if (cancels_coming_.fetch_add(1, std::memory_order_relaxed) < cancels_max)
    return true;
  cancels_coming_.fetch_sub(1, std::memory_order_relaxed);
  hub::count(hub::counter::limit_mailbox);
  return false;
}

void lua_process::cancelled(const hub::cancel_signal& signal) {
  auto coming = cancels_coming_.load(std::memory_order_relaxed);
  while (coming > 0 && !cancels_coming_.compare_exchange_weak(coming, coming - 1,
                                                              std::memory_order_relaxed)) {
  }
  told_the_end_ |= signal.is_last;
  // Whoever has asked already, and waits to be heard, has said everything.
  const auto& waiting = engine_.incoming().events();
  if (signal.from && std::any_of(waiting.begin(), waiting.end(), [&signal](const auto& one) {
        return one.kind == event_kind::cancel && one.from == signal.from;
      }))
    return;
  engine_.arrived(
      process_event{event_kind::cancel, signal.from, unix_seconds(), signal.reason, {}, 0});
}

caf::resumable::resume_result lua_process::resume(caf::execution_unit* context, size_t) {
  const hub::wake_list::scope batch; // receivers are woken once a slice
  return caf::event_based_actor::resume(context, 1);
}

void lua_process::on_exit() {
  if (!ended_ && role_ == role::process)
    ending().error = "terminated";
  ended_ = true;
  runtime_.note_end(engine_.program().id(),
                    {1, result().error.empty() ? uint64_t{0} : uint64_t{1}, box_.taken(),
                     busy_ns_.load(std::memory_order_relaxed)});
  // Before the messages it has not read: by the directory a sender tells those from what was taken.
  hub::process::leave();
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
  // Nobody else takes its monitors back: those whom many short-lived processes watch would keep
  // them all.
  for (const auto& [address, one] : neighbours_)
    if (one.monitored || !one.awaited_by.empty())
      demonitor(address);
  neighbours_.clear();
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
    ending() = std::move(end.result);
    quit(caf::exit_reason::normal);
    return;
  }
  fail(std::move(end.result.error), end.traceback, error_facts_of(end.why));
}

void lua_process::fail(std::string error, const std::string& trace, hub::payload facts) {
  if (ended_)
    return;
  ended_ = true;
  ending() = {{}, error, std::move(facts)};
  log_failure(runtime_, log_level::error, engine_.program().id(), hub::process::id(),
              "process failed: " + error, trace);
  quit(caf::make_error(caf::sec::runtime_error, std::move(error)));
}

void lua_process::wake_at(int64_t due_ns) {
  runtime_.timers().set(hub::process::id().number(), ctrl(), due_ns);
}

void lua_process::end_with(const caf::error& reason) {
  ended_ = true;
  ending().error = "terminated";
  quit(reason);
}

} // namespace natterjack::runtime::lua
