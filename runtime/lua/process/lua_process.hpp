// A Lua process: an actor whose behaviour is a Lua program, in time slices on CAF's scheduler.
//
//   receives         does
//   hub::message     queued (deliver); given to a listener, the inbox, or kept until somebody asks
//   cancel_signal    CANCEL event
//   down             EXIT event, for those it monitors
//   exit             LINK_DOWN event or its own failure, for those it links; else ends it
//   exit kill        ends it, whatever it does
//   function_call    runs the method once more (workers of a function pool only); tasks that it has begun
//                    go on behind the answer
//
//   result   what the method returned, or why it failed; a failure is logged with its traceback
//   never    holds a worker thread longer than its slice, as far as Lua can be interrupted
#pragma once

#include "hub/directory.hpp"
#include "hub/process.hpp"
#include "hub/wake_list.hpp"
#include "runtime/lua/engine/engine.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/lua/process/inbound_queue.hpp"

#include <caf/event_based_actor.hpp>

#include <atomic>
#include <map>
#include <memory>
#include <set>

namespace natterjack::runtime::lua {

/// What a worker does when the main task of a call has ended: it takes the next one, goes on with tasks that
/// the call has begun, or ends.
enum class worker_after : uint8_t { free, lingers, lost };

/// One call of a function in a pooled state. Shared between the pool and the worker.
struct function_call {
  bool is_http = false;
  http_exchange exchange; ///< what http.request() and http.response() reach, if it is_http
  std::vector<hub::payload> arguments;
  context_ptr context;
  std::shared_ptr<void> attachment; ///< of who asked for it, such as the message of a queue
  int64_t due_ns = 0; ///< on the steady clock: cut off then; 0: never
  int64_t allowed_ns = 0;  ///< from the beginning to `due_ns`
  bool lost_client = false; ///< seen by `prolong`
  hub::pid worker;    ///< who runs it
  /// Called on the worker's thread with how it ended.
  std::function<void(main_end&, worker_after)> done;

  std::chrono::nanoseconds linger{0}; ///< most that tasks it has begun go on behind its answer
  std::function<void()> rested;       ///< called when the last of them has ended

  /// It is due: may it go on? While its request's body comes or its answer is being read, which have
  /// time-outs of their own; and once more when the client has gone.
  bool prolong(int64_t now_ns);
};
using function_call_ptr = std::shared_ptr<function_call>;

class lua_process final : public caf::event_based_actor,
                          public hub::process,
                          public hub::wakeable {
 public:
  enum class role : uint8_t { process, worker };

  lua_process(caf::actor_config& config, lua_runtime& runtime, const hub::host_name* host,
              program_ptr program, std::vector<hub::payload> arguments, spawn_options options,
              role what);
  ~lua_process() override;

  hub::send_result deliver(hub::message_ptr what) noexcept override;
  void wake() noexcept override;
  std::optional<hub::relay_dialect> dialect() const noexcept override;

  hub::process_facts facts() const override;
  /// Set if this process replaces another one.
  name_claims* claims() const noexcept { return options_.claims.get(); }

  const hub::pid& process_id() const noexcept { return hub::process::id(); }
  /// Runs for the first time soon; once, by who spawned it.
  void start() { schedule(); }
  /// It never started: nobody waits for it any more.
  void forget_first_wait() { options_.on_first_wait = nullptr; }

  const char* name() const override { return "lua_process"; }
  caf::behavior make_behavior() override;
  void on_exit() override;
  /// One mailbox element a turn: between two slices others run.
  caf::resumable::resume_result resume(caf::execution_unit* context, size_t) override;

  /// Any thread, before a CANCEL is sent to it. @returns false: too many are on their way already
  bool takes_cancel() noexcept;

  // -- for the engine and its libraries; on this process's own thread only ------
  inbound_queue& box() noexcept { return box_; }
  void wake_at(int64_t due_ns);
  bool is_worker() const noexcept { return role_ == role::worker; }
  bool traps_links() const noexcept { return traps_links_; }
  void trap_links(bool yes) noexcept { traps_links_ = yes; }

  /// @returns false if it is monitored (linked) already
  bool watch(const hub::process_ref& whom);
  bool unwatch(const hub::process_ref& whom);
  bool tie(const hub::process_ref& whom);
  bool untie(const hub::process_ref& whom);
  /// Wakes the current task when `whom` ends; `take_awaited` gives the result then.
  void await_end(const hub::process_ref& whom, uint64_t task_number);
  std::optional<hub::exit_result> take_awaited(uint64_t task_number);

 private:
  struct neighbour {
    hub::process_ref who;
    bool monitored = false;
    bool linked = false;
    std::vector<uint64_t> awaited_by; // tasks
    bool unused() const noexcept { return !monitored && !linked && awaited_by.empty(); }
  };
  neighbour& neighbour_of(const hub::process_ref& whom);

  void schedule() noexcept;
  void run_slice();
  void note_slice(uint64_t ns, uint64_t messages);
  void run_unless_scheduled();
  void first_wait();
  void cancelled(const hub::cancel_signal& signal);
  void main_ended();
  void worker_ended(main_end& end);
  void fail(std::string error, const std::string& traceback, hub::payload facts = {});
  void end_with(const caf::error& reason);
  void neighbour_down(const caf::actor_addr& who);
  void neighbour_exit(const caf::exit_msg& how);
  void call(function_call_ptr what);
  void call_ended(main_end& end, worker_after next);
  bool is_used_up() const noexcept;
  void linger(main_end& end);
  void rest();
  void look_at_clock();

  lua_runtime& runtime_;
  spawn_options options_;
  std::vector<hub::payload> arguments_;
  inbound_queue box_;
  engine engine_;
  function_call_ptr call_;
  role role_;
  bool traps_links_ = false;
  bool scheduled_ = false; // a run message is in the CAF mailbox
  bool told_the_end_ = false; // cancelled, and the node ends
  bool ended_ = false;
  std::atomic<uint64_t> memory_{0};  // bytes after the last slice
  std::atomic<uint64_t> busy_ns_{0}; // in slices
  std::atomic<int64_t> cancels_coming_{0}; // in CAF's mailbox, which has no bound of its own
  std::map<caf::actor_addr, neighbour> neighbours_;
  std::map<uint64_t, hub::exit_result> awaited_;
  std::function<void()> rested_; // set: tasks of a call that was answered go on
  int64_t lingers_until_ns_ = 0;
};

} // namespace natterjack::runtime::lua

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(natterjack::runtime::lua::function_call_ptr)
