// Queues in memory and the functions that take messages from them.
//
//   publish, queue, data, headers   waits in the queue            not_found; unavailable: full
//   publish with an address         the same; while the queue is full the message waits in front of it, and
//                                   its publisher is told `true` when it has come in: first come, first in
//   withdraw, queue, address        who waits no longer; its message does not come in
//   pump                            each consumer runs its function with up to `concurrency`
//                                   messages at a time, oldest first
//   a call that succeeds            acknowledges
//   a call that fails, nack         the message goes back, to the end; after `max_attempts` to the
//                                   dead-letter queue, or away with a line in the log if there is
//                                   none or that one is full
//   a call that never begins        the message goes back, to the front, and this was no attempt;
//                                   its consumer pauses until something else happens
//   bytes                           of data and headers count until the message is settled
//
//   never   runs one message twice at a time, keeps anything beyond the program's end
#pragma once

#include "hub/directory.hpp"
#include "runtime/lua/reply.hpp"

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

struct queue_message {
  std::string id;
  hub::payload data;
  hub::payload headers; ///< JSON object
  uint64_t attempts = 0;

  size_t bytes() const noexcept { return data.bytes().size() + headers.bytes().size(); }
};

/// One message while a function has it.
struct queue_delivery {
  queue_message message;
  std::function<void(bool good)> settle; ///< once; later calls do nothing
};

/// What became of a message that a consumer was given.
enum class delivery_end : uint8_t {
  done,
  failed,
  not_begun, ///< the function never saw it
};

struct queue_settings {
  std::string id;
  size_t length_max = 1000;
  size_t bytes_max = 64u << 20;
  std::chrono::nanoseconds patience{0}; ///< of who publishes while there is no room
  std::string dead_letter; ///< id; empty: none
  uint64_t attempts_max = 5;
};

struct queue_stats {
  size_t waiting = 0;
  size_t in_work = 0;
  size_t consumers = 0;
};

enum class publish_result : uint8_t {
  taken,
  waits,   ///< the queue is full: its publisher is told when the message has come in
  refused,
};

class queue_broker {
 public:
  /// Starts a function with a message; `done` is called once, on any thread, at once as well.
  using runner =
      std::function<void(std::shared_ptr<queue_delivery>, std::function<void(delivery_end)> done)>;

  void add_queue(queue_settings settings);
  void add_consumer(const std::string& queue, size_t concurrency, bool auto_ack, runner run);
  /// Consumers begin.
  void start();
  void stop();

  /// @param told  a stream whose process waits while the queue is full, for `patience`; none: refused then
  /// @param why  set when it is refused
  publish_result publish(const std::string& queue, hub::payload data, hub::payload headers,
                         const reply_address& told, failure& why);
  /// @returns true if the message was still waiting: it will not come in
  bool withdraw(const std::string& queue, const reply_address& told);
  /// How long a message may wait for room; 0 for a queue that is not there.
  std::chrono::nanoseconds patience(const std::string& queue) const;
  /// @returns false if there is no such queue
  bool stats(const std::string& queue, queue_stats& out) const;

  /// Calls of consumers that are under way.
  size_t calls() const;

  /// What could not be delivered, for the log.
  std::function<void(const std::string& queue, const queue_message&, const std::string& why)>
      when_dropped;

 private:
  struct consumer {
    size_t concurrency = 1;
    bool auto_ack = false;
    runner run;
    size_t running = 0;
    bool pauses = false; // its function takes no calls
  };
  struct publisher { // who waits for room
    queue_message message;
    reply_address told;
    std::chrono::steady_clock::time_point until;
  };
  struct queue {
    queue_settings settings;
    std::deque<queue_message> waiting;
    std::deque<publisher> publishers;
    std::vector<std::unique_ptr<consumer>> consumers;
    size_t in_work = 0;
    size_t bytes = 0; // of what waits and what is in work
    bool pumped = false;     // somebody gives its messages out at this moment
    bool pump_again = false; // and shall look again: something has changed meanwhile

    /// @returns what stands in the way of one more message; empty: nothing
    std::string lack_of_room(size_t more_bytes) const;
  };
  /// What is done when the lock is open again: telling a process, or letting go of it, may end it.
  struct afterwards {
    std::vector<reply_address> told;
    std::vector<hub::process_ref> seen;
    ~afterwards();
  };
  struct start_job {
    consumer* who;
    std::shared_ptr<queue_delivery> delivery;
  };

  static bool admit(queue& to, afterwards& later);
  /// Gives out what can be. From within a call that pump makes: leaves it to that one, so that a
  /// thousand messages that end at once are a loop and no recursion.
  void pump(const std::string& id);
  std::vector<start_job> take_jobs(queue& from, afterwards& later);
  void start(const std::string& id, start_job job);
  void settled(const std::string& id, const queue_message& message, bool good);
  void give_back(const std::string& id, const queue_message& message);
  void finished(const std::string& id, consumer& who, delivery_end how);

  mutable std::mutex mutex_;
  bool running_ = false;
  std::map<std::string, queue> queues_;
};

} // namespace natterjack::runtime::lua
