// What all modes share: opening, the proof that every connection is known to the hub, the end.
#pragma once

#include "clock.hpp"
#include "dialects.hpp"
#include "options.hpp"
#include "pool.hpp"
#include "report.hpp"
#include "server_probe.hpp"
#include "stopwatch.hpp"

#include <algorithm>
#include <memory>
#include <stdexcept>
#include <string>

namespace natterjack::bench {

class mode : public listener {
 public:
  explicit mode(const options& with)
      : options_(with), server_(with.server_pid), pool_(with, *this) {}

  virtual void run(report& to) = 0;

 protected:
  void opened(connection& c, int64_t) override {
    ++open_;
    if (const auto words = greeting_of(options_.speaks); !words.empty())
      pool_.send_command(c, words);
  }

  void ended(connection& c) override {
    throw std::runtime_error("the server closed connection " + std::to_string(c.index) +
                             " (close code " + std::to_string(c.close_code) + ", 0 = none) after " +
                             std::to_string(c.received) + " messages");
  }

  /// Opens connections [0, n) and waits for the upgrade of each.
  void open_all(uint32_t n, uint32_t small_from) {
    stall_guard guard(options_.stall);
    open_ = 0;
    for (uint32_t started = 0; open_ < n; pool_.turn(100)) {
      for (; started < n && started - open_ < options_.parallel; ++started)
        pool_.open(pool_.connections()[started], started >= small_from ? 4096 : 0);
      guard.check(open_, [this, n] {
        return std::to_string(open_) + " of " + std::to_string(n) + " connections are open";
      });
    }
  }

  /// One echo on each connection: its answer proves that the hub has handled the join before it.
  void greet_all() {
    stall_guard guard(options_.stall);
    greeting_ = true;
    greeted_ = 0;
    auto& all = pool_.connections();
    for (size_t sent = 0; greeted_ < all.size(); pool_.turn(100)) {
      for (; sent < all.size() && sent - greeted_ < options_.parallel; ++sent)
        pool_.send_text(all[sent], 'e', next_stamp());
      guard.check(greeted_, [this, &all] {
        return std::to_string(greeted_) + " of " + std::to_string(all.size()) +
               " connections had their first echo";
      });
    }
    greeting_ = false;
    for (auto& c : all)
      c.sent = c.received = 0;
  }

  void stamped(connection& c, int64_t stamp, int64_t arrival, size_t size) final {
    if (greeting_) {
      ++greeted_;
      return;
    }
    arrived(c, stamp, arrival, size);
  }

  virtual void arrived(connection& c, int64_t stamp, int64_t arrival, size_t size) = 0;

  /// Now, but never the same value twice: a stamp also names its message.
  int64_t next_stamp() { return last_stamp_ = std::max(now_ns() - epoch_, last_stamp_ + 1); }

  [[noreturn]] void wrong_order(const connection& c) const {
    throw std::runtime_error("order: message " + std::to_string(c.received) + " of connection " +
                             std::to_string(c.index) +
                             " is not the one sent at that place (lost, doubled or overtaken)");
  }

  const options& options_;
  server_probe server_;
  pool pool_;
  const int64_t epoch_ = now_ns();
  uint32_t open_ = 0;

 private:
  bool greeting_ = false;
  size_t greeted_ = 0;
  int64_t last_stamp_ = 0;
};

std::unique_ptr<mode> make_fanout(const options& with, uint32_t slow);
std::unique_ptr<mode> make_echo(const options& with);
std::unique_ptr<mode> make_idle(const options& with);
std::unique_ptr<mode> make_churn(const options& with);
std::unique_ptr<mode> make_storm(const options& with);

} // namespace natterjack::bench
