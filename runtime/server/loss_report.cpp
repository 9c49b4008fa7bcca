#include "runtime/server/loss_report.hpp"

#include "hub/counters.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::runtime {

namespace {

bool tell(uint64_t total, uint64_t& told, const char* what) {
  if (total == told)
    return false;
  spdlog::warn("{} {}", total - told, what);
  told = total;
  return true;
}

} // namespace

void loss_report::look(uint64_t print_lines) {
  const auto now = std::chrono::steady_clock::now();
  if (now - told_ < std::chrono::seconds(10))
    return;
  const bool lines = tell(print_lines, lines_told_,
                          "lines of print were dropped: nobody reads standard output");
  const bool messages = tell(hub::total(hub::counter::outbox_dropped), messages_told_,
                             "messages for slow clients were dropped (outbox_policy)");
  if (lines || messages)
    told_ = now;
}

} // namespace natterjack::runtime
