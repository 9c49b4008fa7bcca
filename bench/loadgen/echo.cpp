// Round trips: each connection keeps some texts in flight.
#include "mode.hpp"

#include <vector>

namespace natterjack::bench {

namespace {

class echo_mode final : public mode {
 public:
  explicit echo_mode(const options& with)
      : mode(with), stamps_(size_t{with.connections} * with.window) {}

  void run(report& to) override {
    open_all(options_.connections, options_.connections);
    greet_all();
    stall_guard guard(options_.stall);
    for (auto& c : pool_.connections())
      for (uint32_t i = 0; i < options_.window; ++i)
        send(c);
    auto from = now_ns() + as_ns(options_.warm_up);
    while (now_ns() < from)
      serve(guard);
    latency_.clear();
    echoes_ = 0;
    stopwatch watch(server_);
    auto until = now_ns() + as_ns(options_.seconds);
    while (options_.count != 0 ? echoes_ < options_.count : now_ns() < until)
      serve(guard);
    watch.stop();
    auto echoes = echoes_;
    await_rest(guard);
    to.add("connections", uint64_t{options_.connections});
    to.add("window", uint64_t{options_.window});
    to.add("payload_bytes", uint64_t{options_.payload});
    to.add("seconds", watch.seconds(), 3);
    to.add("echoes", echoes);
    to.add("echoes_per_s", static_cast<double>(echoes) / watch.seconds(), 0);
    to.add_latency(latency_);
    watch.add_cost(to, "server_cpu_us_per_echo", echoes);
    watch.add_shares(to);
  }

 private:
  void serve(stall_guard& guard) {
    pool_.turn(50);
    guard.check(total_, [this] { return std::to_string(total_) + " echoes so far"; });
  }

  /// Sends nothing more and waits for what is under way: an echo that was lost ends the run.
  void await_rest(stall_guard& guard) {
    done_ = true;
    for (auto& c : pool_.connections())
      while (c.received != c.sent)
        serve(guard);
  }

  int64_t& stamp_at(const connection& c, uint64_t message) {
    return stamps_[size_t{c.index} * options_.window + message % options_.window];
  }

  void send(connection& c) {
    auto stamp = next_stamp();
    stamp_at(c, c.sent) = stamp;
    pool_.send_text(c, 'e', stamp);
  }

  void arrived(connection& c, int64_t stamp, int64_t arrival, size_t) override {
    if (c.received >= c.sent || stamp_at(c, c.received) != stamp)
      wrong_order(c);
    ++c.received;
    ++echoes_;
    ++total_;
    if (done_)
      return;
    latency_.record(arrival - epoch_ - stamp);
    send(c);
  }

  std::vector<int64_t> stamps_;
  histogram latency_;
  uint64_t echoes_ = 0;
  uint64_t total_ = 0;
  bool done_ = false;
};

} // namespace

std::unique_ptr<mode> make_echo(const options& with) { return std::make_unique<echo_mode>(with); }

} // namespace natterjack::bench
