#include "runtime/lua/engine/engine.hpp"

#include "runtime/lua/call_bound.hpp"
#include "runtime/lua/engine/channel.hpp"
#include "runtime/lua/engine/clocks.hpp"
#include "runtime/lua/engine/stack_floor.hpp"
#include "runtime/lua/engine/thread_mark.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/lua_process.hpp"

#include <algorithm>

namespace natterjack::runtime::lua {

namespace {

// Stack slots that whoever wakes a task may use.
constexpr int wake_slots = 8;

} // namespace

void engine::drop_tasks() noexcept {
  if (main_ == nullptr)
    return;
  end_bound(main_);
  for (auto& [number, one] : tasks_) {
    unlink(*one);
    luaL_unref(main_, LUA_REGISTRYINDEX, one->anchor);
  }
  tasks_.clear();
  ready_first_ = ready_last_ = nullptr;
  for (auto& [due, one] : timers_)
    luaL_unref(main_, LUA_REGISTRYINDEX, one.anchor);
  timers_.clear();
  timer_due_.clear();
  expected_.clear();
  while (!streams_.empty())
    close_stream(streams_.begin()->first);
}

void engine::drop_mail() {
  collect();
  intake_.drop_unclaimed([this](const hub::message& what) {
    actor_.box().received(what);
    what.settle();
  });
  intake_.events().clear();
}

// -- tasks --------------------------------------------------------------------

void engine::add_task(lua_State* L, bool is_main) {
  auto* thread = lua_newthread(L);
  lua_sethook(thread, nullptr, 0, 0); // a new thread inherits the hook
  lua_insert(L, -2);
  lua_xmove(L, thread, 1);
  const int anchor = luaL_ref(L, LUA_REGISTRYINDEX);
  auto made = std::make_unique<task>();
  made->thread = thread;
  made->anchor = anchor;
  made->is_main = is_main;
  made->number = ++last_task_;
  auto& added = *tasks_.emplace(made->number, std::move(made)).first->second;
  make_ready(added);
}

void engine::add_follower(lua_State* L) {
  add_task(L, false);
  tasks_.at(last_task_)->follows = true;
}

bool engine::has_tasks() const noexcept {
  return std::any_of(tasks_.begin(), tasks_.end(),
                     [](const auto& one) { return !one.second->follows; });
}

void engine::make_ready(task& one) noexcept {
  one.state = task::mode::ready;
  one.next_ready = nullptr;
  (ready_last_ != nullptr ? ready_last_->next_ready : ready_first_) = &one;
  ready_last_ = &one;
}

void engine::unlink(task& one) noexcept {
  for (auto& w : one.waiters)
    (w.value_index != 0 ? w.on->senders : w.on->receivers).remove(w);
  one.waiters.clear();
}

void engine::wake(task& one, int fired) noexcept {
  unlink(one);
  one.fired = fired;
  make_ready(one);
}

void engine::wake_task(uint64_t number) noexcept {
  if (auto i = tasks_.find(number); i != tasks_.end() && i->second->state == task::mode::waiting)
    wake(*i->second, 0);
}

void engine::check_can_wait(lua_State* L) {
  if (pinned > 0 || !lua_isyieldable(L))
    luaL_error(L, "cannot wait here: inside a callback of a C function or a metamethod of one");
  luaL_checkstack(L, wake_slots, "cannot wait");
}

int engine::wait(lua_State* L, lua_KContext where, lua_KFunction k) {
  current_->waits_in = L;
  current_->state = task::mode::waiting;
  current_->fired = -1;
  cause = yield_cause::wait;
  return lua_yieldk(L, 0, where, k);
}

bool engine::main_waits() const noexcept {
  for (auto& [number, one] : tasks_)
    if (one->is_main)
      return one->state == task::mode::waiting;
  return true;
}

bool engine::is_stuck() const noexcept {
  return ready_first_ == nullptr && timers_.empty() && expected_.empty() && streams_.empty() &&
         events_channel == nullptr && !intake_.is_claimed();
}

bool engine::collect() {
  actor_.box().take_all(fresh_);
  if (fresh_.empty())
    return false;
  for (auto& one : fresh_)
    arrived(std::move(one));
  fresh_.clear();
  return true;
}

engine::turn engine::run() {
  const auto ended_as = run_tasks();
  recent.clear();
  destinations.tidy();
  return ended_as;
}

engine::turn engine::run_tasks() {
  watchdog::slice slice(runtime_.dog(), mark_, program_->limits().slice);
  for (;;) {
    if (outcome_.ended)
      return turn::ended;
    if (ready_first_ == nullptr) {
      collect();
      if (ready_first_ == nullptr)
        return turn::waiting;
    }
    if (mark_.over != 0)
      return turn::again;
    auto* next = ready_first_;
    ready_first_ = next->next_ready;
    if (ready_first_ == nullptr)
      ready_last_ = nullptr;
    resume(*next);
  }
}

void engine::resume(task& one) {
  current_ = &one;
  one.state = task::mode::running;
  cause = yield_cause::user;
  pinned = 0;
  slice_start_ns_ = one.used_ns > 0 ? thread_cpu_ns() : -1;
  mark_suspended(one.thread, false);
  mark_.running = one.thread;
  int results = 0;
  auto* from = program_->limits().stack < c_calls_max ? stack_floor_of(main_) : nullptr;
  const int status = lua_resume(one.thread, from, 0, &results);
  mark_.running = nullptr;
  if (next_program_) {
    restart();
    return;
  }
  if (fatal_) {
    outcome_.fatal = true;
    end_main(std::move(fatal_text_), std::move(fatal_traceback_));
  } else if (status == LUA_YIELD) {
    mark_suspended(one.thread, true);
    if (cause == yield_cause::wait)
      one.used_ns = 0;
    else
      make_ready(one);
  } else {
    finish(one, status, results);
  }
  current_ = nullptr;
}

void engine::forget(task& one) noexcept {
  luaL_unref(main_, LUA_REGISTRYINDEX, one.anchor);
  tasks_.erase(one.number);
}

// -- from outside -------------------------------------------------------------

void engine::arrived(hub::message_ptr what) {
  // Answers have no sender. Clients and processes have, and may give a topic any name.
  if (!what->from() && is_reply_topic(what->topic()))
    return reply_arrived(std::move(what));
  if (auto* to = intake_.sort_in(std::move(what)))
    notify(*this, *to->out);
}

void engine::arrived(process_event event) {
  intake_.add(std::move(event));
  if (events_channel != nullptr)
    notify(*this, *events_channel);
}

} // namespace natterjack::runtime::lua
