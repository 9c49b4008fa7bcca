// One channel that publishes with confirms: what waits, what is on its way, and what became of
// each.
//
//   enqueue      any thread       queued, or `done` at once: queue_full, invalid, stopped
//   expire       any thread       `done` for what waits past its deadline
//   all else     the connection's thread
//
//   waiting -> sent -> confirmed | unroutable | refused | unconfirmed
//   waiting -> expired;   a lost connection brings `resend` ones back to the front, in order
//
// Bounds: waiting messages and bytes, unconfirmed messages. A socket that is full is not written
// to, so that a broker that has stopped reading never stops the thread.
#pragma once

#include "actors/amqp/broker_options.hpp"
#include "actors/amqp/publication.hpp"

#include <atomic>
#include <deque>
#include <mutex>
#include <unordered_map>

namespace natterjack::amqp {

class session;
struct publisher_wire; // what needs the AMQP library's types

struct publisher_stats {
  std::atomic<uint64_t> confirmed{0};
  std::atomic<uint64_t> unroutable{0};
  std::atomic<uint64_t> failed{0}; ///< every other end
  std::atomic<uint64_t> resent{0};
};

class publisher {
 public:
  publisher(const broker_options& bounds, uint16_t channel) : bounds_(bounds), channel_(channel) {}

  void enqueue(publication what, const publish_options& options, publish_done done);
  void expire(publish_clock::time_point now);
  size_t waiting() const;
  uint16_t channel() const noexcept { return channel_; }
  const publisher_stats& stats() const noexcept { return stats_; }

  // -- the connection's thread

  bool is_open() const noexcept { return open_; }
  void on_opened();
  /// The channel or the connection is gone. @param why  the broker's words
  /// @param code  the broker's, if it closed the channel over something we published
  void on_lost(const std::string& why, int code);
  /// Sends what the socket takes. @returns true if more waits for it to be writable
  bool flush(session& wire);
  void on_ack(uint64_t number, bool multiple, bool accepted);
  void on_return(std::string_view message_id, const std::string& why);
  void expire_sent(publish_clock::time_point now);
  /// Reports everything as stopped; later `enqueue`s too.
  void stop();
  /// How many wait or are on their way.
  size_t unfinished() const;

 private:
  struct item {
    publication what;
    publish_options options;
    publish_done done; // empty once reported
    bool waited = false;
    bool sent_before = false;
    bool is_returned = false;
    std::string why;
  };

  static std::string find_fault(const publication& what);
  bool take_next(item& next);
  void send_small(session& wire, item& next);
  void begin_large(session& wire, item& next);
  bool continue_large(session& wire);
  void report(item& done, publish_result result, std::string text = {});
  void finish(item& one, bool accepted);

  const broker_options& bounds_;
  uint16_t channel_;
  publisher_stats stats_;

  mutable std::mutex mutex_; // of the next four
  std::deque<item> waiting_;
  size_t waiting_bytes_ = 0;
  bool stopped_ = false;
  std::atomic<bool> open_{false};

  std::deque<item> sent_; // numbered first_number_, first_number_ + 1, …
  uint64_t first_number_ = 1;
  std::unordered_map<std::string, uint64_t> by_message_id_;
  size_t large_sent_ = 0; // bytes of the last of sent_, while it is being written
  bool large_is_open_ = false;
};

} // namespace natterjack::amqp
