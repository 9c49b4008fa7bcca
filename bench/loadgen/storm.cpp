// All connections at the same time, as after a restart: how long until each has been served.
#include "mode.hpp"

namespace natterjack::bench {

namespace {

class storm_mode final : public mode {
 public:
  using mode::mode;

  void run(report& to) override {
    const auto n = options_.connections;
    stopwatch watch(server_);
    open_all(n, n);
    const auto opened = now_ns();
    greet_all(); // the hub has handled the join of each
    watch.stop();
    to.add("connections", uint64_t{n});
    to.add("at_once", uint64_t{options_.parallel});
    to.add("seconds", watch.seconds(), 3);
    to.add("seconds_until_open", static_cast<double>(opened - begin_) / 1e9, 3);
    to.add("connects_per_s", static_cast<double>(n) / watch.seconds(), 0);
    to.add_latency(upgrade_);
    watch.add_cost(to, "server_cpu_us_per_connect", n);
    watch.add_shares(to);
  }

 private:
  void opened(connection& c, int64_t now) override {
    upgrade_.record(now - c.started);
    mode::opened(c, now);
  }

  void arrived(connection&, int64_t, int64_t, size_t) override {}

  histogram upgrade_;
  const int64_t begin_ = now_ns();
};

} // namespace

std::unique_ptr<mode> make_storm(const options& with) {
  return std::make_unique<storm_mode>(with);
}

} // namespace natterjack::bench
