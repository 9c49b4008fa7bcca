// Broadcasts of one connection to all: modes fanout and slow.
#include "mode.hpp"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

namespace natterjack::bench {

namespace {

/// fanout and slow: connection 0 broadcasts, the last `slow` ones never read. Of who is not watched the
/// messages are read later: each is still there, once and in order, and counts when it was sent to all.
class fanout_mode final : public mode {
 public:
  fanout_mode(const options& with, uint32_t slow)
      : mode(with), readers_(with.connections - slow),
        stride_(with.watched == 0 ? 1 : with.connections / with.watched), stamps_(with.window),
        missing_(with.window), late_interval_(32 * with.window),
        sent_stamps_(8 * late_interval_ + with.window) {
    for (uint32_t i = 0; i < readers_; ++i)
      watched_ += is_late(i) ? 0 : 1;
  }

  void run(report& to) override {
    open_all(options_.connections, readers_);
    greet_all();
    for (uint32_t i = readers_; i < options_.connections; ++i)
      pool_.set_reading(pool_.connections()[i], false);
    for (auto& c : pool_.connections())
      if (is_late(c.index))
        pool_.set_reading(c, false);
    auto memory_before = server_.rss();
    auto peak = memory_before;
    stall_guard guard(options_.stall);
    measure_from_ = now_ns() + as_ns(options_.warm_up);
    for (uint32_t i = 0; i < options_.window; ++i)
      broadcast();
    for (auto next_look = now_ns(); !done_; pool_.turn(100)) {
      if (std::exchange(is_late_due_, false)) // here, since the pool has one buffer for who is being read
        read_late();
      guard.check(arrivals_, [this] { return describe(); });
      if (readers_ != options_.connections && now_ns() > next_look) {
        peak = std::max(peak, server_.rss());
        next_look = now_ns() + 100'000'000;
      }
    }
    read_late_to_the_end();
    summarise(to);
    if (readers_ == options_.connections)
      return;
    read_backlog();
    to.add("slow_receivers", uint64_t{options_.connections - readers_});
    to.add("slow_closed_by_server", slow_ended_);
    to.add("slow_close_code", uint64_t{slow_close_code_});
    if (server_.known())
      to.add("server_growth_mib", static_cast<double>(peak - memory_before) / 1048576, 1);
  }

 private:
  // The last of each stride is watched, so that a broadcast has reached all but a few when it counts.
  bool is_late(uint32_t index) const { return index % stride_ != stride_ - 1; }

  void read_late() {
    if (stride_ != 1)
      for (auto& c : pool_.connections())
        if (is_late(c.index))
          pool_.read_waiting(c);
  }

  void read_late_to_the_end() {
    const auto is_behind = [this](const connection& c) {
      return is_late(c.index) && c.received < sent_;
    };
    stall_guard guard(options_.stall);
    while (std::ranges::any_of(pool_.connections(), is_behind)) {
      read_late();
      pool_.turn(10);
      guard.check(late_arrivals_, [this] { return describe(); });
    }
  }

  void broadcast() {
    auto slot = sent_ % options_.window;
    stamps_[slot] = next_stamp();
    sent_stamps_[sent_++ % sent_stamps_.size()] = stamps_[slot];
    missing_[slot] = watched_;
    pool_.send_text(pool_.connections()[0], 'b', stamps_[slot]);
  }

  void arrived(connection& c, int64_t stamp, int64_t arrival, size_t size) override {
    if (c.index >= readers_)
      ++backlog_;
    if (is_late(c.index)) {
      if (c.received >= sent_ || sent_stamps_[c.received % sent_stamps_.size()] != stamp)
        wrong_order(c);
      ++c.received;
      ++late_arrivals_;
      return;
    }
    if (c.index >= readers_ || done_)
      return;
    auto slot = c.received % options_.window;
    if (c.received >= sent_ || stamps_[slot] != stamp)
      wrong_order(c);
    ++c.received;
    ++arrivals_;
    bytes_ += size;
    latency_.record(arrival - epoch_ - stamp);
    if (--missing_[slot] == 0)
      completed(arrival);
  }

  /// Begin and end of measuring lie where a broadcast has reached everybody.
  void completed(int64_t now) {
    ++broadcasts_;
    if (++completed_ % late_interval_ == 0)
      is_late_due_ = true;
    if (!watch_ && now >= measure_from_) {
      watch_.emplace(server_);
      latency_.clear();
      measured_arrivals_ = arrivals_;
      measured_bytes_ = bytes_;
      broadcasts_ = 0;
      measure_until_ = now + as_ns(options_.seconds);
    } else if (watch_ &&
               (options_.count != 0 ? broadcasts_ >= options_.count : now >= measure_until_)) {
      watch_->stop();
      done_ = true;
      return;
    }
    broadcast();
  }

  void ended(connection& c) override {
    if (c.index < readers_)
      mode::ended(c);
    ++slow_ended_;
    slow_close_code_ = std::max(slow_close_code_, c.close_code);
  }

  /// The slow ones read at last: a close of the server stands behind what it had sent before.
  void read_backlog() {
    for (uint32_t i = readers_; i < options_.connections; ++i)
      if (auto& c = pool_.connections()[i]; c.fd >= 0)
        pool_.set_reading(c, true);
    auto until = now_ns() + as_ns(5);
    auto calm_until = now_ns() + as_ns(0.5);
    for (uint64_t seen = 0; now_ns() < std::min(until, calm_until); pool_.turn(50)) {
      if (seen != backlog_ + slow_ended_)
        calm_until = now_ns() + as_ns(0.5);
      seen = backlog_ + slow_ended_;
    }
  }

  std::string describe() const {
    return std::to_string(arrivals_) + " deliveries of " + std::to_string(sent_) +
           " broadcasts to " + std::to_string(readers_) + " readers";
  }

  void summarise(report& to) {
    const auto watched = arrivals_ - measured_arrivals_;
    const auto deliveries = stride_ == 1 ? watched : broadcasts_ * readers_;
    to.add("receivers", uint64_t{options_.connections});
    to.add("window", uint64_t{options_.window});
    to.add("payload_bytes",
           static_cast<double>(bytes_ - measured_bytes_) / static_cast<double>(watched), 1);
    to.add("seconds", watch_->seconds(), 3);
    to.add("broadcasts", broadcasts_);
    to.add("deliveries", deliveries);
    to.add("deliveries_per_s", static_cast<double>(deliveries) / watch_->seconds(), 0);
    to.add_latency(latency_);
    watch_->add_cost(to, "server_cpu_us_per_delivery", deliveries);
    watch_->add_shares(to);
  }

  const uint32_t readers_;
  const uint32_t stride_; ///< one of so many is watched
  uint32_t watched_ = 0;
  std::vector<int64_t> stamps_;   ///< by place in the window
  std::vector<uint32_t> missing_; ///< deliveries to come, by place in the window
  const uint64_t late_interval_;     ///< broadcasts between two reads of who is not watched
  std::vector<int64_t> sent_stamps_; ///< of the latest broadcasts
  uint64_t sent_ = 0, completed_ = 0, late_arrivals_ = 0;
  bool is_late_due_ = false;
  uint64_t arrivals_ = 0, measured_arrivals_ = 0;
  uint64_t bytes_ = 0, measured_bytes_ = 0;
  uint64_t broadcasts_ = 0;
  uint64_t slow_ended_ = 0;
  uint64_t backlog_ = 0; ///< messages the slow ones read in the end
  uint16_t slow_close_code_ = 0;
  int64_t measure_from_ = 0, measure_until_ = 0;
  bool done_ = false;
  histogram latency_;
  std::optional<stopwatch> watch_;
};

} // namespace

std::unique_ptr<mode> make_fanout(const options& with, uint32_t slow) {
  return std::make_unique<fanout_mode>(with, slow);
}

} // namespace natterjack::bench
