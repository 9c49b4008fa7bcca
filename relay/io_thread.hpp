// One thread of the edge: an event loop, one queue of work from other threads, timers, and the sockets
// that have something to write.
//
// A turn: run what is queued (a few thousand elements at most, so that reading is never starved), then
// write every socket that got something, once. The thread is also CAF's execution unit for its pinned
// actors and the delivery domain of group members that live here.
#pragma once

#include "hub/groups.hpp"
#include "hub/wake_list.hpp"
#include "relay/pinned.hpp"
#include "relay/timer_wheel.hpp"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <caf/execution_unit.hpp>
#include <caf/resumable.hpp>

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <thread>
#include <unordered_map>
#include <vector>

namespace natterjack::relay {

/// Something with bytes to write at the end of the turn.
class flushable {
 public:
  virtual ~flushable() = default;
  virtual void flush() = 0;

 private:
  friend class io_thread;
  size_t dirty_index_ = static_cast<size_t>(-1);
};

class io_thread final : public caf::execution_unit,
                        public hub::delivery_domain,
                        public hub::wakeable,
                        private hub::wake_list {
 public:
  explicit io_thread(caf::actor_system& system);
  ~io_thread() override;

  /// @param number  of the thread, for its name: io-0, io-1 …
  void start(size_t number = 0);
  /// Ends the loop and waits for the thread. Idempotent.
  void stop();

  boost::asio::io_context& context() noexcept { return context_; }
  bool is_current() const noexcept { return std::this_thread::get_id() == thread_.get_id(); }

  // -- from any thread
  void push(pinned* to, caf::mailbox_element_ptr element);
  void push(pinned* to, hub::message_ptr what);
  void push_start(pinned* who);
  void push_wake(pinned* who);
  void push_call(std::function<void()> call);
  void exec_later(caf::resumable* what) override;

  // -- delivery domain, from any thread
  void join(uint64_t group, hub::process_ref member) override;
  void leave(uint64_t group, uint64_t member) override;
  void deliver(uint64_t group, hub::message_ptr what) override;
  void deliver(std::vector<hub::process_ref> members, hub::message_ptr what) override;

  /// Lets it look at its queue.
  void wake() noexcept override;

  // -- this thread only
  void mark_dirty(flushable& who);
  void unmark(flushable& who) noexcept;
  void set_timer(timer_wheel::timer& t, std::chrono::nanoseconds delay);
  /// True while the last broadcast of a turn is delivered: nothing would be laid behind it, so an outbox
  /// that is empty may write it at once.
  bool is_last_of_turn() const noexcept { return is_last_of_turn_; }

 private:
  enum class kind : uint8_t {
    element,
    message,
    start,
    wake,
    call,
    resume,
    join,
    leave,
    deliver,      // to a group
    deliver_list, // to a list of processes
  };
  using member_list = std::vector<hub::process_ref>;
  struct group {
    member_list members;
    std::unordered_map<uint64_t, size_t> place_of; // by number
    void add(hub::process_ref member);
    void remove(uint64_t member);
  };
  struct work {
    kind what;
    uint64_t number = 0; // group, or member of a leave
    void* object = nullptr;
    const void* content = nullptr;
  };

  void on_first() noexcept override;
  void push(work w);
  /// Lets `put` change the queue, then sees to it that it is run.
  /// @param put  says true if it only added to what stood last
  template <class Put>
  void queue(Put&& put);
  void drain();
  /// @returns how many deliveries it was
  size_t run(const work& w);
  size_t run_broadcasts(const work& first);
  bool are_distinct(const member_list& members);
  static void deliver_all(const member_list& members, std::span<const hub::message_ptr> messages);
  void flush_dirty();
  void schedule_flush();
  void arm_timer();
  static void discard(const work& w);

  boost::asio::io_context context_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> guard_;
  boost::asio::steady_timer clock_;
  timer_wheel::clock::time_point clock_due_ = timer_wheel::clock::time_point::max();
  timer_wheel wheel_;

  std::mutex mutex_;
  std::vector<work> queue_;
  bool scheduled_ = false; // a drain is

  std::vector<work> batch_; // being run
  size_t batch_done_ = 0;
  bool draining_ = false;
  bool is_last_of_turn_ = false;
  std::vector<flushable*> dirty_;
  bool flush_scheduled_ = false;
  uint64_t lists_seen_ = 0;
  std::vector<hub::message_ptr> run_; // broadcasts being delivered together
  std::unordered_map<uint64_t, group> groups_;
  std::thread thread_;
  const hub::wake_list* last_asked_ = nullptr; // wakes us for what stands last in the queue; null: has done
};

} // namespace natterjack::relay
