// The Lua side of one process: its state, its tasks and what they wait for. Runs in time slices.
//
//   open            makes the state: libraries, sandbox. Nothing of the script runs
//   start           a task that loads the program (once) and calls its method
//   run             one slice: ready tasks run until all wait, the slice is over, or the end
//   close           frees everything; idempotent
//
//   ends    when the main task ends, a task raises, memory or budget is used up
//   never   lets a script survive a limit: `pcall` passes a fatal end on
//   thread  one at a time; only the watchdog's signal comes in between
#pragma once

#include "runtime/lua/engine/lua_memory.hpp"
#include "runtime/lua/engine/task.hpp"
#include "runtime/lua/engine/watchdog.hpp"
#include "runtime/lua/host_api.hpp"
#include "runtime/lua/process/destination_cache.hpp"
#include "runtime/lua/process/feed.hpp"
#include "runtime/lua/process/recent_send.hpp"
#include "runtime/lua/process/topic_cache.hpp"
#include "runtime/lua/program/lua_program.hpp"
#include "runtime/lua/reply.hpp"
#include "runtime/lua/shared/call_context.hpp"

#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

class lua_process;

/// Why a coroutine yielded: only `user` is for the script's own `resume`.
enum class yield_cause : uint8_t { user, wait, preempted, ended };

/// How the main task came to its end.
struct main_end {
  bool ended = false;
  bool fatal = false;     ///< a limit was reached: the state must not be used again
  bool timed_out = false; ///< a call of a function was not done within its deadline
  bool refused = false;   ///< a call of a function was never begun, or cut off
  hub::exit_result result;
  failure why;           ///< the same error with its kind; empty text: it went well
  std::string traceback; ///< of an error, several lines, for the log
};

struct function_call;

class engine final : public process_context {
 public:
  engine(lua_process& actor, lua_runtime& runtime, program_ptr program);
  ~engine() override;

  /// @returns empty, or why there is no state
  std::string open();
  void close() noexcept;
  bool is_open() const noexcept { return main_ != nullptr; }

  /// Starts the main task with these arguments. @returns empty, or why not
  std::string start(std::vector<hub::payload> arguments);

  /// Forgets every task and timer; between two calls of a function.
  void drop_tasks() noexcept;
  /// Forgets messages that nobody has asked for; before a call of a function: they are an earlier
  /// one's.
  void drop_mail();
  /// The script has asked for messages or events: what comes later would be another call's.
  bool has_asked_for_mail() const noexcept {
    return intake_.is_claimed() || events_channel != nullptr;
  }
  /// Tasks of the script's own.
  bool has_tasks() const noexcept;
  /// Tasks there may be, but nothing in this process can wake one any more: no timer, no answer, no
  /// stream, no channel of its mailbox.
  bool is_stuck() const noexcept;

  enum class turn : uint8_t { waiting, again, ended };
  /// One slice. After `ended` see `outcome()`.
  turn run();
  main_end& outcome() noexcept { return outcome_; }
  /// Ends the main task from outside, as if it had raised.
  void fail_main(std::string error);
  /// The main task waits for something (or has ended).
  bool main_waits() const noexcept;

  // -- from outside the script ------------------------------------------------
  void arrived(hub::message_ptr what);
  void arrived(process_event event);
  /// Fires what is due.
  void fire_timers(int64_t now_ns) noexcept;
  /// When the next timer is due, on the steady clock; 0: there is none.
  int64_t next_due_ns() const noexcept {
    return timers_.empty() ? 0 : timers_.begin()->first.first;
  }
  void set_exchange(http_exchange* now) noexcept { exchange_ = now; }
  /// The call a worker runs, or null.
  void set_call(function_call* now) noexcept { call_ = now; }
  function_call* call() const noexcept { return call_; }

  // -- process_context --------------------------------------------------------
  const hub::pid& id() const noexcept override;
  hub::node& node() const noexcept override;
  lua_runtime& runtime() const noexcept override { return runtime_; }
  const lua_program& program() const noexcept override { return *program_; }
  http_exchange* exchange() noexcept override { return exchange_; }

  // -- for the native libraries of the engine ---------------------------------
  lua_process& actor() noexcept { return actor_; }
  const program_ptr& shared_program() const noexcept { return program_; }
  /// The same from any thread: an upgrade may put another one in its place meanwhile.
  program_ptr program_seen() const noexcept;
  lua_State* state() const noexcept { return main_; }
  task& current() noexcept { return *current_; }
  slice_mark& mark() noexcept { return mark_; }
  intake& incoming() noexcept { return intake_; }
  size_t memory_used() const noexcept { return memory_.used(); }

  /// Adds a task that calls the function on top of L's stack with nothing; pops it. May raise.
  void add_task(lua_State* L, bool is_main);
  /// The same for a module's own task.
  void add_follower(lua_State* L);
  void make_ready(task& one) noexcept;
  /// Takes a task out of all queues it waits in and makes it ready.
  /// @param fired  case completed on its behalf, -1: it shall look again
  void wake(task& one, int fired) noexcept;
  /// Raises where the task cannot wait; leaves room on the stack for what wakes it.
  /// Call it before anything that would have to be undone.
  void check_can_wait(lua_State* L);
  /// Wakes a task that waits, if there still is one of that number.
  void wake_task(uint64_t number) noexcept;
  /// Ends a C function in a wait; `k` goes on when the task is woken. After `check_can_wait`.
  int wait(lua_State* L, lua_KContext context, lua_KFunction k);
  /// The current task is alive and well: its budget starts anew.
  void made_progress() noexcept { current_->used_ns = 0; }
  /// From now on the process runs this program: its state is made anew when the present slice
  /// ends; PID, names, links, mail and events stay. From inside a C function `leave` must follow.
  void upgrade(program_ptr program, std::vector<hub::payload> given);

  // -- answers and streams (reply.hpp)
  uint64_t expect_reply();
  void forget_reply(uint64_t number) noexcept;
  uint64_t push_stream(lua_State* L);
  void close_stream(uint64_t number) noexcept;

  /// Takes in what other processes sent meanwhile. @returns true if there was anything
  bool collect();
  /// Wakes the current task, which is about to wait, after a time. Raises at the limit of timers.
  uint64_t wake_after(lua_State* L, int64_t delay_ns);
  uint64_t add_timer(lua_State* L, int channel_index, int64_t delay_ns, int64_t every_ns);
  bool stop_timer(uint64_t number) noexcept;

  /// Inside a C function: the process is beyond a limit; leaves for good.
  int leave(lua_State* L);
  bool is_fatal() const noexcept { return fatal_; }
  void out_of_memory(lua_State* L) noexcept;
  /// Marks the end if the task is over its budget. @returns true if so
  bool over_budget(lua_State* L) noexcept;
  static void slice_hook(lua_State* L, lua_Debug*);

  yield_cause cause = yield_cause::user;
  int pinned = 0; ///< depth of C calls between here and the task that cannot yield
  size_t channels = 0;
  topic_cache topics;
  const void* channel_meta = nullptr; ///< identity of metatables, for fast checks
  const void* case_meta = nullptr;
  const void* message_meta = nullptr;
  const void* payload_meta = nullptr;
  const void* message_payload_meta = nullptr; ///< of payloads that a message holds
  int events_anchor = LUA_NOREF;
  channel* events_channel = nullptr;
  bool listens_to_events() const noexcept { return events_channel != nullptr; }

 private:
  struct timer {
    uint64_t number;
    int64_t every_ns;
    channel* to;      // null: wakes a task
    int anchor;       // keeps the channel
    uint64_t sleeper; // number of the task
  };
  uint64_t insert_timer(lua_State* L, int64_t delay_ns, timer what);

  turn run_tasks();
  void resume(task& one);
  void finish(task& one, int status, int results);
  void read_results(task& one, int results);
  void forget(task& one) noexcept;
  static void unlink(task& one) noexcept;
  void end_main(std::string error, std::string traceback) noexcept;
  void set_fatal(lua_State* L, std::string text) noexcept;
  void reply_arrived(hub::message_ptr what);
  void restart();

  lua_process& actor_;
  lua_runtime& runtime_;
  program_ptr program_;
  lua_memory memory_;
  lua_State* main_ = nullptr;
  slice_mark mark_;
  int64_t slice_start_ns_ = -1; // thread CPU time; -1: not taken yet

  std::map<uint64_t, std::unique_ptr<task>> tasks_;
  uint64_t last_task_ = 0;
  task* current_ = nullptr;
  task* ready_first_ = nullptr;
  task* ready_last_ = nullptr;

  intake intake_;
  std::vector<hub::message_ptr> fresh_; // kept for its memory
  std::map<std::pair<int64_t, uint64_t>, timer> timers_;
  std::map<uint64_t, int64_t> timer_due_;
  uint64_t last_timer_ = 0;

  std::map<uint64_t, uint64_t> expected_; // answer -> task
  std::map<uint64_t, std::unique_ptr<feed>> streams_;
  uint64_t last_reply_ = 0;

  http_exchange* exchange_ = nullptr;
  function_call* call_ = nullptr;
  program_ptr next_program_; // set: an upgrade is due
  std::vector<hub::payload> next_arguments_;
  bool fatal_ = false;
  std::string fatal_text_;
  std::string fatal_traceback_;
  main_end outcome_;

 public:
  std::vector<hub::payload> arguments; ///< for the method, until it is called
  context_ptr context;                 ///< what came with the spawn or the call
  recent_send recent;
  destination_cache destinations;
};

/// The engine of a state.
inline engine& engine_of(lua_State* L) noexcept {
  return static_cast<engine&>(context_of(L));
}

} // namespace natterjack::runtime::lua
