#include "runtime/lua/engine.hpp"

#include "hub/counters.hpp"
#include "runtime/lua/channel.hpp"
#include "runtime/lua/lua_process.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/method.hpp"
#include "runtime/lua/sandbox.hpp"
#include "runtime/lua/thread_mark.hpp"
#include "runtime/lua/traceback.hpp"

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <mutex>

namespace natterjack::runtime::lua {

namespace {

// While a task cannot yield (a sort comparator, say) the hook looks this often, in instructions.
constexpr int pinned_look_interval = 10'000;
// Stack slots that whoever wakes a task may use.
constexpr int wake_slots = 8;

int64_t thread_cpu_ns() noexcept {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return now.tv_sec * int64_t{1'000'000'000} + now.tv_nsec;
}

// Only for what happens outside any protected call, which nothing here does.
int panic(lua_State* L) {
  std::fprintf(stderr, "natterjack: Lua error outside a protected call: %s\n",
               lua_tostring(L, -1) != nullptr ? lua_tostring(L, -1) : "?");
  return 0;
}

int add_task_protected(lua_State* L) {
  lua_pushcfunction(L, call_method);
  engine_of(L).add_task(L, true);
  return 0;
}

constexpr size_t c_calls_max = 200; // LUAI_MAXCCALLS of Lua
constexpr size_t shown_max = 1000; // bytes of an error that is no text

// A table that was raised says more as JSON than by its address.
int to_text(lua_State* L) {
  encode_error error;
  if (lua_isnil(L, 1)) {
    lua_pushliteral(L, "error() without a value");
    return 1;
  }
  if (lua_type(L, 1) == LUA_TTABLE && luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
    auto& buffer = encode_buffer();
    if (encode_value(L, 1, buffer, error)) {
      lua_pushlstring(L, buffer.view().data(), std::min(buffer.view().size(), shown_max));
      return 1;
    }
  }
  luaL_tolstring(L, 1, nullptr);
  return 1;
}

const char floor_key = 0; // registry: a thread that stands as many C calls deep as a script may not

int nothing(lua_State*) { return 0; }

// Lua counts nested C calls of a coroutine from those of the thread that resumes it, up to 200. A thread
// that was resumed by one at depth n stays at depth n + 1, so two that resume each other climb to where
// `levels` are left.
int make_floor(lua_State* L) {
  const auto levels = static_cast<int>(lua_tointeger(L, 1));
  lua_State* threads[]{lua_newthread(L), lua_newthread(L)};
  lua_State* from = nullptr;
  for (int depth = 0; depth < static_cast<int>(c_calls_max) - levels; ++depth) {
    auto* next = threads[depth % 2];
    int results = 0;
    lua_pushcfunction(next, nothing);
    lua_resume(next, from, 0, &results);
    from = next;
  }
  lua_pushvalue(L, from == threads[0] ? 2 : 3);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &floor_key);
  return 0;
}

// The thread that tasks are resumed from; null: they have all levels.
lua_State* floor_of(lua_State* main) noexcept {
  lua_rawgetp(main, LUA_REGISTRYINDEX, &floor_key);
  auto* found = lua_tothread(main, -1);
  lua_pop(main, 1);
  return found;
}

// An upgrade, and looks of other threads at what a process runs, are rare: one for all processes.
std::mutex programs_mutex;

} // namespace

engine::engine(lua_process& actor, lua_runtime& runtime, program_ptr program)
    : actor_(actor), runtime_(runtime), program_(std::move(program)),
      memory_(program_->limits().memory) {
}

engine::~engine() {
  close();
}

program_ptr engine::program_seen() const noexcept {
  std::lock_guard guard(programs_mutex);
  return program_;
}

const hub::pid& engine::id() const noexcept {
  return actor_.hub::process::id();
}
hub::node& engine::node() const noexcept {
  return actor_.hub::process::home();
}

std::string engine::open() {
  main_ = lua_newstate(&lua_memory::allocate, &memory_);
  if (main_ == nullptr)
    return "not enough memory for a Lua state";
  set_context(main_, this);
  lua_atpanic(main_, panic);
  lua_pushcfunction(main_, open_sandbox);
  int status = lua_pcall(main_, 0, 0, 0);
  if (const auto levels = program_->limits().stack; status == LUA_OK && levels < c_calls_max) {
    lua_pushcfunction(main_, make_floor);
    lua_pushinteger(main_, static_cast<lua_Integer>(levels));
    status = lua_pcall(main_, 1, 0, 0);
  }
  if (status == LUA_OK)
    return {};
  const char* why = lua_tostring(main_, -1);
  return why != nullptr ? why : "cannot make a Lua state";
}

void engine::close() noexcept {
  if (main_ != nullptr)
    lua_close(main_);
  main_ = nullptr;
  current_ = ready_first_ = ready_last_ = nullptr;
  tasks_.clear();
  timers_.clear();
  timer_due_.clear();
  intake_.clear();
  expected_.clear();
  streams_.clear();
  fresh_.clear();
  arguments.clear();
}

std::string engine::start(std::vector<hub::payload> given) {
  arguments = std::move(given);
  outcome_ = {};
  lua_pushcfunction(main_, add_task_protected);
  if (lua_pcall(main_, 0, 0, 0) == LUA_OK)
    return {};
  const char* why = lua_tostring(main_, -1);
  std::string text = why != nullptr ? why : "cannot start a task";
  lua_settop(main_, 0);
  return text;
}

void engine::drop_tasks() noexcept {
  if (main_ == nullptr)
    return;
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
  auto* from = program_->limits().stack < c_calls_max ? floor_of(main_) : nullptr;
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

void engine::finish(task& one, int status, int results) {
  if (status == LUA_OK) {
    if (one.is_main)
      read_results(one, results);
    forget(one);
    return;
  }
  if (status == LUA_ERRMEM) {
    out_of_memory(one.thread);
    outcome_.fatal = true;
    end_main(std::move(fatal_text_), std::move(fatal_traceback_));
    return;
  }
  auto trace = traceback(one.thread);
  std::string text;
  failure why{error_kind::internal, {}, {}};
  lua_xmove(one.thread, main_, 1); // an error leaves a thread no slot above its value
  if (const char* known = error_message(main_, -1); known != nullptr) {
    text = known;
    why.kind = error_kind_of(main_, -1);
    why.more = error_more(main_, -1);
  } else if (lua_type(main_, -1) == LUA_TSTRING) {
    size_t size = 0;
    const char* bytes = lua_tolstring(main_, -1, &size);
    text.assign(bytes, size);
  } else {
    // Its __tostring may be the script's: protected, and within the slice so that the budget holds.
    lua_pushcfunction(main_, to_text);
    lua_insert(main_, -2);
    mark_.running = main_;
    const char* shown = lua_pcall(main_, 1, 1, 0) == LUA_OK ? lua_tostring(main_, -1) : nullptr;
    mark_.running = nullptr;
    text = shown != nullptr ? shown : "(an error value that cannot be shown)";
  }
  lua_settop(main_, 0);
  if (text.find("C stack overflow") != std::string::npos) { // Lua's own words at the last level
    hub::count(hub::counter::limit_stack);
    const auto line = text.starts_with("C stack") ? script_line(one.thread) : std::string();
    text = (line.empty() ? "" : line + ": ") + text + ": limit stack (" +
           std::to_string(program_->limits().stack) + ") reached";
  }
  forget(one);
  outcome_.why = std::move(why);
  end_main(std::move(text), std::move(trace));
}

void engine::read_results(task& one, int results) {
  auto* L = one.thread;
  const int first = lua_gettop(L) - results + 1;
  outcome_.ended = true;
  lua_settop(L, first + std::min(results, 2) - 1); // many of them leave no slots to look at the first
  if (results >= 2 && lua_isnil(L, first) && !lua_isnil(L, first + 1)) {
    if (const char* known = error_message(L, first + 1); known != nullptr) {
      outcome_.result.error = known;
      outcome_.why.kind = error_kind_of(L, first + 1);
      outcome_.why.more = error_more(L, first + 1);
    } else if (lua_type(L, first + 1) == LUA_TSTRING)
      outcome_.result.error = lua_tostring(L, first + 1);
    encode_error unshown;
    if (auto& buffer = encode_buffer(); outcome_.result.error.empty() &&
                                        encode_value(L, first + 1, buffer, unshown)) {
      outcome_.result.error = buffer.view().substr(0, shown_max);
      buffer.trim();
    }
    if (outcome_.result.error.empty())
      outcome_.result.error = "failed with an error value that is not a text";
    outcome_.why.text = outcome_.result.error;
    return;
  }
  if (exchange_ != nullptr && exchange_->touched)
    return; // the request has been answered: nobody asks for the value
  encode_error error;
  if (results >= 1 && !read_payload(L, first, outcome_.result.value, error)) {
    outcome_.result = {{}, std::string("what it returned cannot be handed on: ") + error.text};
    outcome_.why = {error_kind::invalid, outcome_.result.error, {}};
    outcome_.traceback = "returned by " + program_->chunk_name();
  }
}

void engine::forget(task& one) noexcept {
  luaL_unref(main_, LUA_REGISTRYINDEX, one.anchor);
  tasks_.erase(one.number);
}

void engine::end_main(std::string error, std::string trace) noexcept {
  if (outcome_.ended)
    return;
  outcome_.ended = true;
  outcome_.result.error = error.empty() ? "failed" : std::move(error);
  outcome_.why.text = outcome_.result.error;
  outcome_.traceback = std::move(trace);
}

void engine::fail_main(std::string error) {
  end_main(std::move(error), {});
}

// -- limits -------------------------------------------------------------------

void engine::set_fatal(lua_State* L, std::string text) noexcept {
  if (fatal_)
    return;
  fatal_ = true;
  const auto line = script_line(L);
  fatal_text_ = line.empty() ? std::move(text) : line + ": " + text;
  fatal_traceback_ = traceback(L);
}

void engine::out_of_memory(lua_State* L) noexcept {
  if (!fatal_)
    hub::count(hub::counter::limit_memory);
  set_fatal(L, "out of memory: limit memory (" + std::to_string(memory_.bytes_max() >> 10) +
                   " KiB) reached");
}

bool engine::over_budget(lua_State* L) noexcept {
  if (fatal_)
    return true;
  if (current_ == nullptr)
    return false;
  const auto& limits = program_->limits();
  const auto now = thread_cpu_ns();
  // Nobody looked at the clock when this slice began: it has lasted one slice at least.
  current_->used_ns +=
      slice_start_ns_ < 0 ? std::chrono::nanoseconds(limits.slice).count() : now - slice_start_ns_;
  slice_start_ns_ = now;
  if (current_->used_ns <= std::chrono::nanoseconds(limits.budget).count())
    return false;
  hub::count(hub::counter::limit_budget);
  set_fatal(L, "ran " + std::to_string(limits.budget.count()) +
                   " ms without waiting: limit budget reached");
  return true;
}

int engine::leave(lua_State* L) {
  if (pinned == 0 && lua_isyieldable(L)) {
    cause = yield_cause::ended;
    return lua_yield(L, 0);
  }
  lua_sethook(L, slice_hook, LUA_MASKCOUNT, 1); // a pcall that catches this gets no further
  return luaL_error(L, "the process is over a limit");
}

void engine::slice_hook(lua_State* L, lua_Debug*) {
  auto& self = engine_of(L);
  lua_sethook(L, nullptr, 0, 0);
  hub::count(hub::counter::slices_cut);
  if (self.over_budget(L)) {
    self.leave(L);
  } else if (self.pinned == 0 && lua_isyieldable(L)) {
    self.cause = yield_cause::preempted;
    lua_yield(L, 0);
  } else {
    lua_sethook(L, slice_hook, LUA_MASKCOUNT, pinned_look_interval);
  }
}

// -- upgrade ------------------------------------------------------------------

void engine::upgrade(program_ptr program, std::vector<hub::payload> given) {
  next_program_ = std::move(program);
  next_arguments_ = std::move(given);
  if (current_ == nullptr)
    restart(); // between two slices
}

void engine::restart() {
  collect();
  tasks_.clear();
  current_ = ready_first_ = ready_last_ = nullptr;
  timers_.clear();
  timer_due_.clear();
  expected_.clear();
  for (auto& [number, one] : streams_)
    while (!one->queue.empty()) {
      actor_.box().received(*one->queue.front().message);
      one->queue.pop();
    }
  streams_.clear();
  lua_close(main_);
  main_ = nullptr;
  intake_.unclaim_all();
  fatal_ = false;
  channels = 0;
  channel_meta = case_meta = message_meta = payload_meta = message_payload_meta = nullptr;
  events_anchor = LUA_NOREF;
  events_channel = nullptr;
  {
    std::lock_guard guard(programs_mutex);
    program_.swap(next_program_);
  }
  next_program_ = nullptr;
  memory_.set_bytes_max(program_->limits().memory);
  auto why = open();
  if (why.empty())
    why = start(std::exchange(next_arguments_, {}));
  if (!why.empty())
    end_main("upgrade to " + program_->id() + ": " + why, {});
}

// -- from outside -------------------------------------------------------------

void engine::arrived(hub::message_ptr what) {
  if (is_reply_topic(what->topic()))
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
