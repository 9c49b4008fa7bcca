// One connection to a broker, on a thread of its own: it connects, keeps its heartbeats, publishes
// with confirms, consumes with acks, and comes back after every loss, for ever.
//
//   call       does                                               thread
//   publish    queues; `done` says what became of it              any
//   consume    declares and consumes, again after each reconnect  any
//   expire     ends what waits past its deadline                  any
//   watch      hears of every change of state                     before start
//
//   states    connecting -> up <-> blocked -> down -> connecting …; stopped at the end
//   back-off  doubles from backoff_min to backoff_max, each wait between half and all of it; anew
//             after a connection that has lived longer than the last wait
//   channels  one for each lane and each consumer, as many as the broker allows (2,047 at most); a
//             consumer too many is told so, code 504, and nobody else notices
//   never     blocks whoever calls, writes to a full socket, forgets a `done`
#pragma once

#include "actors/amqp/broker_options.hpp"
#include "actors/amqp/consumer.hpp"
#include "actors/amqp/publisher.hpp"

#include <array>
#include <atomic>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace natterjack::amqp {

enum class link_state : uint8_t {
  connecting, ///< the first attempt
  up,
  blocked, ///< the broker is short of memory or disk: it takes no publications
  down,    ///< lost, or the attempt failed; trying again
  stopped,
};

const char* to_string(link_state state) noexcept;

struct link_event {
  link_state state = link_state::connecting;
  std::string why; ///< the broker's or the system's words
  int code = 0;    ///< the broker's reply code, if it gave one
};

struct connection_stats {
  std::atomic<uint64_t> deliveries{0};
  std::atomic<uint64_t> connects{0};
  std::atomic<uint64_t> losses{0};
};

class connection {
 public:
  explicit connection(broker_options options);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  const broker_options& options() const noexcept { return options_; }

  /// Called on the connection's thread.
  void watch(std::function<void(const link_event&)> watcher);

  void start();
  /// Waits for what is on its way, a second at most, says goodbye and ends the thread. Idempotent.
  void stop();

  link_state state() const noexcept { return state_; }
  void publish(publication what, const publish_options& options, publish_done done);

  /// @returns a number for `cancel`; 0 if no channel is left, which `on_lost` is told
  uint16_t consume(topology wanted, consumer_handlers handlers);
  /// Stops consuming; the broker gets back what was not settled. Handlers are not called any more
  /// once `done` has been: on the connection's thread, or in `stop` when that has ended.
  void cancel(uint16_t consumer_number, std::function<void()> done = {});

  /// From whoever has a clock: also while the thread waits for a broker that does not answer.
  void expire();

  const connection_stats& stats() const noexcept { return stats_; }
  const publisher_stats& lane_stats(uint8_t lane) const noexcept { return lanes_[lane]->stats(); }
  /// Publications of a lane that wait for the broker.
  size_t waiting(uint8_t lane) const { return lanes_[lane]->waiting(); }
  /// A publication has not been handed to the socket yet.
  bool has_waiting() const;

  static constexpr uint8_t lane_count = 3;
  static constexpr const char* no_channel_left =
      "too many consumers: all channels that the broker allows on one connection are in use";

 private:
  using clock = std::chrono::steady_clock;

  uint16_t take_channel();
  void free_channel(uint16_t number);
  void post(std::function<void()> task);
  void wake() noexcept;
  void run();
  void run_tasks();
  void attempt();
  void serve(session& wire);
  bool read_frames(session& wire);
  void on_frame(session& wire, const amqp_frame_t_& frame);
  void on_connection_frame(session& wire, const amqp_frame_t_& frame);
  void on_lane_frame(session& wire, publisher& lane, const amqp_frame_t_& frame);
  bool write(session& wire);
  void start_consumers(session& wire);
  static void start(session& wire, consumer& one);
  static void declare(session& wire, consumer& one);
  static void open(session& wire, publisher& lane);
  void keep_alive(session& wire);
  bool is_paused() const noexcept;
  int poll_timeout() const;
  void lose(const std::string& why, int code);
  void change(link_state state, const std::string& why = {}, int code = 0);
  void pause_before_retry();
  bool is_finished() const;

  broker_options options_;
  int wake_descriptor_;
  std::atomic<link_state> state_{link_state::connecting};
  std::atomic<bool> stopping_{false};
  std::atomic<bool> wants_wake_{true}; // acks alone may wait for the next turn
  std::vector<std::function<void(const link_event&)>> watchers_;
  std::array<std::unique_ptr<publisher>, lane_count> lanes_;
  connection_stats stats_;

  std::mutex mutex_; // of the next four
  std::vector<std::function<void()>> tasks_;
  std::set<uint16_t> consumer_channels_;
  uint16_t last_channel_ = lane_count;
  uint16_t channel_max_; // what the broker has allowed last

  // -- the thread's own
  std::map<uint16_t, std::shared_ptr<consumer>> consumers_;
  session* wire_ = nullptr;
  struct returned { // a basic.return on its way in
    bool open = false;
    std::string why;
    uint64_t left = 0;
  };
  std::array<returned, lane_count> returned_;
  bool declare_again_ = false;
  std::chrono::milliseconds backoff_{0};
  std::mt19937 random_{std::random_device{}()};
  clock::time_point up_since_{};
  clock::time_point last_read_{};
  clock::time_point next_heartbeat_{};
  clock::time_point next_expiry_{};
  clock::time_point stop_deadline_ = clock::time_point::max();
  std::string last_complaint_;
  std::thread thread_;
};

} // namespace natterjack::amqp
