// Connections that are opened and held: what each of them costs.
#include "mode.hpp"

#include <algorithm>
#include <cstdlib>

namespace natterjack::bench {

namespace {

class idle_mode final : public mode {
 public:
  using mode::mode;

  void run(report& to) override {
    warm_up();
    auto rss_before = settled_rss(), pss_before = server_.pss();
    auto begin = now_ns();
    open_all(options_.connections, options_.connections);
    if (options_.speaks == dialect::pow)
      greet_all(); // the process of each runs, and waits
    auto open_seconds = static_cast<double>(now_ns() - begin) / 1e9;
    auto rss_after = settled_rss(), pss_after = server_.pss();
    stopwatch watch(server_);
    hold(options_.seconds);
    watch.stop();
    close_all(options_.connections);
    auto n = static_cast<double>(options_.connections);
    to.add("connections", uint64_t{options_.connections});
    to.add("open_per_s", n / open_seconds, 0);
    to.add("seconds", watch.seconds(), 3);
    if (server_.known()) {
      to.add("rss_bytes_per_connection", static_cast<double>(rss_after - rss_before) / n, 0);
      to.add("pss_bytes_per_connection", static_cast<double>(pss_after - pss_before) / n, 0);
      to.add("rss_mib_before", static_cast<double>(rss_before) / 1048576, 1);
      to.add("rss_mib_held", static_cast<double>(rss_after) / 1048576, 1);
      to.add("rss_mib_closed", static_cast<double>(settled_rss()) / 1048576, 1);
    }
    watch.add_shares(to);
  }

 private:
  void arrived(connection&, int64_t, int64_t, size_t) override {}

  void ended(connection& c) override {
    if (!closing_)
      mode::ended(c);
    ++closed_;
  }

  /// A few connections come and go first, so that what is made once is not counted.
  void warm_up() {
    auto n = std::min<uint32_t>(10, options_.connections);
    open_all(n, n);
    close_all(n);
  }

  void close_all(uint32_t n) {
    closing_ = true;
    closed_ = 0;
    stall_guard guard(options_.stall);
    for (uint32_t i = 0; i < n; ++i)
      pool_.start_close(pool_.connections()[i]);
    for (; closed_ < n; pool_.turn(100))
      guard.check(closed_, [this, n] {
        return std::to_string(closed_) + " of " + std::to_string(n) + " closed by the server";
      });
    closing_ = false;
  }

  void hold(double seconds) {
    for (auto until = now_ns() + as_ns(seconds); now_ns() < until;)
      pool_.turn(100);
  }

  /// Resident memory once it has not grown by more than 0.1 % for half a second (5 s at most).
  int64_t settled_rss() {
    auto last = server_.rss();
    auto until = now_ns() + as_ns(5);
    for (int calm = 0; calm < 5 && now_ns() < until;) {
      hold(0.1);
      auto now = server_.rss();
      calm = std::abs(now - last) * 1000 <= last ? calm + 1 : 0;
      last = now;
    }
    return last;
  }

  bool closing_ = false;
  uint32_t closed_ = 0;
};

} // namespace

std::unique_ptr<mode> make_idle(const options& with) { return std::make_unique<idle_mode>(with); }

} // namespace natterjack::bench
