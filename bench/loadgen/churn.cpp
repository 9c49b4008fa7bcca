// Connect, upgrade, close, over and over.
#include "mode.hpp"


namespace natterjack::bench {

namespace {

class churn_mode final : public mode {
 public:
  using mode::mode;

  void run(report& to) override {
    stall_guard guard(options_.stall);
    stopwatch watch(server_);
    auto cpu_before = server_.cpu_ns();
    for (auto& c : pool_.connections())
      start(c);
    for (; finished_ < options_.cycles; pool_.turn(100))
      guard.check(finished_, [this] { return std::to_string(finished_) + " cycles finished"; });
    watch.stop();
    watch.extend_cpu(settled_cpu() - cpu_before);
    to.add("connections", uint64_t{options_.connections});
    to.add("cycles", uint64_t{options_.cycles});
    to.add("seconds", watch.seconds(), 3);
    to.add("cycles_per_s", static_cast<double>(options_.cycles) / watch.seconds(), 0);
    to.add("upgrade_p50_us", upgrade_.percentile_us(0.50), 1);
    to.add("upgrade_p99_us", upgrade_.percentile_us(0.99), 1);
    to.add_latency(cycle_);
    to.add("closed_without_close_frame", unclean_);
    watch.add_cost(to, "server_cpu_us_per_cycle", options_.cycles);
    watch.add_shares(to);
  }

 private:
  void start(connection& c) {
    if (started_ == options_.cycles)
      return;
    ++started_;
    pool_.open(c);
  }

  void opened(connection& c, int64_t now) override {
    upgrade_.record(now - c.started);
    if (const auto words = greeting_of(options_.speaks); !words.empty())
      pool_.send_command(c, words);
    if (is_pow())
      pool_.send_text(c, 'e', next_stamp());
    else if (!waits_for_word())
      pool_.start_close(c);
  }

  void other(connection& c) override {
    if (is_pow())
      ++c.received; // the result; the server closes
    else if (waits_for_word() && c.at == stage::open)
      pool_.start_close(c);
  }

  bool is_pow() const { return options_.speaks == dialect::pow; }
  /// Of centrifuge a client is one when its greeting has been answered.
  bool waits_for_word() const {
    return options_.first_frame || options_.speaks == dialect::centrifuge;
  }

  void arrived(connection& c, int64_t, int64_t, size_t) override {
    ++c.received;
    pool_.send_command(c, pow_close_signal);
  }

  void ended(connection& c) override {
    if (is_pow() && (c.received != 2 || c.close_code != 1000))
      mode::ended(c); // one echo, one result, a clean close: else the run fails
    cycle_.record(now_ns() - c.started);
    unclean_ += c.close_code == 0;
    ++finished_;
    start(c);
  }

  /// The server's CPU time once it has come to rest: what follows a close belongs to the cycle.
  int64_t settled_cpu() {
    auto last = server_.cpu_ns();
    for (auto until = now_ns() + as_ns(5); now_ns() < until;) {
      auto look = now_ns() + as_ns(0.2);
      while (now_ns() < look)
        pool_.turn(50);
      auto now = server_.cpu_ns();
      if (now - last < 2'000'000)
        return now;
      last = now;
    }
    return last;
  }

  histogram upgrade_, cycle_;
  uint64_t started_ = 0, finished_ = 0, unclean_ = 0;
};

} // namespace

std::unique_ptr<mode> make_churn(const options& with) { return std::make_unique<churn_mode>(with); }

} // namespace natterjack::bench
