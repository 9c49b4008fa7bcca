// Commands on their way to the exchange: held, tried again after an outage, failed for all to see.
#include "actors/amqp/bridge.hpp"

#include <spdlog/spdlog.h>

namespace natterjack::amqp {

namespace {

// CLU's actors come back within five seconds of their broker; a command is tried again this often.
constexpr auto retry_interval = std::chrono::milliseconds(500);

} // namespace

void bridge::submit(std::shared_ptr<command> wanted, command_done done) {
  ++stats_.commands;
  if (wanted->deadline == publish_clock::time_point::max())
    wanted->deadline = publish_clock::now() + options_.hold_time;
  send(std::move(wanted), std::move(done));
}

void bridge::send(std::shared_ptr<command> wanted, command_done done) {
  publish_options how;
  how.deadline = wanted->deadline;
  auto what = to_publication(*wanted, self_);
  link_.publish(std::move(what), how,
                [self = shared_from_this(), wanted, done = std::move(done)](
                    const publish_outcome& outcome) { self->on_outcome(wanted, outcome, done); });
  watch_deadlines();
}

void bridge::on_outcome(const std::shared_ptr<command>& wanted, const publish_outcome& outcome,
                        const command_done& done) {
  if (outcome.result == publish_result::confirmed) {
    done({true, {}});
    return;
  }
  if (outcome.result == publish_result::unroutable) {
    wanted->has_waited = wanted->has_waited || outcome.waited;
    if (wanted->has_waited && publish_clock::now() + retry_interval < wanted->deadline) {
      run([self = shared_from_this(), wanted, done] {
        self->later(retry_interval, [self, wanted, done] { self->send(wanted, done); });
      });
      return;
    }
    fail(wanted, done);
    return;
  }
  ++stats_.commands_failed;
  spdlog::debug("{}: command {} to {}: {}: {}", options_.id, wanted->id_text, wanted->consumer_text,
                to_string(outcome.result), outcome.text);
  announce(failure_reply(*wanted, self_, routing_error(*wanted)));
  done({false, outcome.text});
}

// No queue wanted it: everybody on the exchange is told, as by CLU's own client.
void bridge::fail(const std::shared_ptr<command>& wanted, const command_done& done) {
  ++stats_.commands_failed;
  const auto error = routing_error(*wanted);
  publish_options how;
  how.deadline = publish_clock::now() + options_.hold_time;
  link_.publish(failure_publication(*wanted, self_, error), how,
                [self = shared_from_this(), wanted, done, error](const publish_outcome& outcome) {
                  if (outcome.result != publish_result::confirmed)
                    self->announce(failure_reply(*wanted, self->self_, error));
                  done({false, error});
                });
}

} // namespace natterjack::amqp
