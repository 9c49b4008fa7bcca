// Queues in memory and the functions that take messages from them.
//
//   publish, queue, data, headers   waits in the queue            not_found; unavailable: full
//   pump                            each consumer runs its function with up to `concurrency`
//                                   messages at a time, oldest first
//   a call that succeeds            acknowledges
//   a call that fails, nack         the message goes back, to the end; after `max_attempts` to the
//                                   dead-letter queue, or away with a line in the log if there is
//                                   none or that one is full
//   bytes                           of data and headers count until the message is settled
//
//   never   runs one message twice at a time, keeps anything beyond the program's end
#pragma once

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

class queue_broker {
 public:
  /// Starts a function with a message; `done(good)` is called once, on any thread.
  using runner = std::function<void(std::shared_ptr<queue_delivery>, std::function<void(bool)> done)>;

  void add_queue(queue_settings settings);
  void add_consumer(const std::string& queue, size_t concurrency, bool auto_ack, runner run);
  /// Consumers begin.
  void start();
  void stop();

  /// @returns false with `why`
  bool publish(const std::string& queue, hub::payload data, hub::payload headers, failure& why);
  /// How long `publish` may be tried again while the queue is full; 0 for a queue that is not there.
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
  };
  struct queue {
    queue_settings settings;
    std::deque<queue_message> waiting;
    std::vector<std::unique_ptr<consumer>> consumers;
    size_t in_work = 0;
    size_t bytes = 0; // of what waits and what is in work

    /// @returns what stands in the way of one more message; empty: nothing
    std::string lack_of_room(size_t more_bytes) const;
  };
  struct start_job {
    consumer* who;
    std::shared_ptr<queue_delivery> delivery;
  };

  void pump(const std::string& id);
  void settled(const std::string& id, const queue_message& message, bool good);
  void finished(const std::string& id, consumer& who);

  mutable std::mutex mutex_;
  bool running_ = false;
  std::map<std::string, queue> queues_;
};

} // namespace natterjack::runtime::lua
