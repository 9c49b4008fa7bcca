// A process as a worker of a function pool: one call after the other, their deadlines, and tasks
// that go on behind an answer.
#include "relay/http/body_stream.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/failure_log.hpp"
#include "runtime/lua/process/lua_process.hpp"

#include <caf/all.hpp>

namespace natterjack::runtime::lua {

bool function_call::prolong(int64_t now_ns) {
  const auto& coming = is_http ? exchange.request->incoming : nullptr;
  const bool is_awaited = (exchange.stream && !exchange.stream->is_closed()) ||
                          (coming && !coming->has_ended() && !coming->is_closed());
  if (!is_awaited && (!exchange.stream || std::exchange(lost_client, true)))
    return false;
  due_ns = now_ns + allowed_ns;
  return true;
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

// Late answers, and ends of processes it watches, are not for the next call to see.
bool lua_process::is_used_up() const noexcept {
  return engine_.has_asked_for_mail() || !neighbours_.empty();
}

void lua_process::worker_ended(main_end& end) {
  const bool fatal = end.fatal;
  if (rested_) { // a task has raised, with nobody left to answer
    log_failure(runtime_, log_level::error, engine_.program().id(), hub::process::id(),
                "a task of an answered call failed: " + end.result.error, end.traceback);
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

} // namespace natterjack::runtime::lua
