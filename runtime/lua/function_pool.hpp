// Answers requests with a Lua function: pooled states, one call at a time in each.
//
//   call_http, request, reply   what the handler made of it      it returned, and had set something
//                               500 with an error id             it raised; the log has the id
//                               500 "no response sent"           it returned and had set nothing
//                               503                              `buffer` calls wait already
//                               504                              not done within `deadline`, be it that no
//                                                                worker was free until then
//   call, arguments, answer     what the function returned or why it failed; of a patient call
//                               never because of `buffer`
//
//   workers   made when needed, up to `workers`; one that reached a limit or deadline is replaced
//   tasks     that a call leaves running when it returns go on behind its answer, for up to `linger`; its
//             state takes no call before they have ended, and does not count as one of `workers`
//   streams   an answer whose head the handler has sent ends when it returns, and breaks off when it raises
//   never     runs Lua on the caller's thread
#pragma once

#include "runtime/lua/process/lua_process.hpp"

#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>
#include <vector>

namespace natterjack::runtime::lua {

class alarm;

struct pool_options {
  size_t workers = 8;  ///< states at most, so calls at a time
  size_t prepared = 0; ///< of them made before anybody calls
  size_t kept = 10'000; ///< states that wait for calls; more are ended when they have nothing to do
  size_t buffer = 512; ///< calls that wait for a worker
  std::chrono::milliseconds deadline{30'000};
  std::chrono::minutes linger{60}; ///< that tasks of an answered call go on, at most
  size_t lingering = 1000; ///< states with such tasks; the tasks of a call beyond them are dropped
};

/// What else a call may come with.
struct call_extras {
  context_ptr context;
  std::shared_ptr<void> attachment;
  std::chrono::nanoseconds deadline{0}; ///< 0: none
  bool patient = false; ///< waits for a worker however many do: who calls bounds its calls itself
  std::function<void(main_end&)> done; ///< once, on any thread
  std::function<void()> unbegun; ///< instead of `done` if no state ever saw the call; null: `done`
};

class function_pool : public std::enable_shared_from_this<function_pool> {
 public:
  /// @param host  name the PIDs of workers are made from
  static std::shared_ptr<function_pool> make(lua_runtime& runtime, program_ptr program,
                                             const hub::host_name* host, pool_options options = {});
  ~function_pool();

  /// Thread-safe, never blocks.
  void call_http(std::shared_ptr<const relay::http_request> request, relay::http_reply reply);
  void call(std::vector<hub::payload> arguments, std::function<void(hub::exit_result)> answer);
  function_call_ptr call(std::vector<hub::payload> arguments, call_extras extras);
  /// The call ends with CANCELED: it is taken out of the queue, or its state is ended.
  void cancel(const function_call_ptr& call);

  /// Another version of the function takes the calls now: calls that run or wait are answered, idle
  /// workers end, and each busy one after its last call.
  void retire();
  /// Ends all workers; calls that run or wait are answered with errors.
  void stop();
  size_t workers() const; ///< states there are, whatever they do

 private:
  using answer_function = std::function<void(function_call&, main_end&)>;
  struct job {
    function_call_ptr call;
    answer_function answer;
    int64_t due_ns = 0;
    bool patient = false; // has a place besides the buffer
    std::function<void()> unbegun{};
  };

  function_pool(lua_runtime& runtime, program_ptr program, const hub::host_name* host,
                pool_options options);
  void end_streamed(function_call& call, main_end& end);
  static void allow(job& one, std::chrono::nanoseconds deadline);
  static void refuse(job& one, const char* why);
  job next_job();
  /// @param unit  runs a worker that becomes ready; null: the scheduler does
  void submit(job one, caf::execution_unit* unit = nullptr);
  /// The last of the queue has a deadline: somebody looks then whether it still waits.
  void watch_last();
  void look_at_queue();
  caf::strong_actor_ptr make_worker();
  void prepare();
  void assign(const caf::strong_actor_ptr& worker, job one, caf::execution_unit* unit = nullptr);
  /// @param only  the call it is about; null: any. @returns false if the worker does not run that
  bool finished(caf::actor_id worker, main_end& end, worker_after next,
                const function_call* only = nullptr);
  void rested(caf::actor_id worker);
  caf::strong_actor_ptr set_free(caf::actor_id worker);
  void worker_ended(caf::actor_id worker);
  void answer_http(function_call& call, main_end& end, const relay::http_reply& reply);

  lua_runtime& runtime_;
  program_ptr program_;
  const hub::host_name* host_;
  pool_options options_;

  mutable std::mutex mutex_;
  bool stopped_ = false;
  bool retired_ = false;
  std::unordered_map<caf::actor_id, caf::strong_actor_ptr> workers_;
  std::vector<caf::actor_id> idle_;
  std::unordered_map<caf::actor_id, job> busy_;
  std::deque<job> queue_;
  size_t patient_ = 0; // of these
  std::shared_ptr<alarm> alarm_; // for deadlines of the queue; made by the first call that waits
  int64_t next_look_ns_ = 0;    // at the queue; 0: there is nothing to see
  std::unordered_map<caf::actor_id, caf::strong_actor_ptr> lingering_; // none of workers_
  bool told_of_room_ = false; // that there is none for more of these
};

} // namespace natterjack::runtime::lua
