#include "runtime/supervision/service.hpp"

#include "hub/node.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <random>

namespace natterjack::runtime {

namespace {

using start_atom = caf::atom_constant<caf::atom("start")>;
using stop_atom = caf::atom_constant<caf::atom("stop")>;
using kill_atom = caf::atom_constant<caf::atom("kill")>;
using waiting_atom = caf::atom_constant<caf::atom("waiting")>;
using stable_atom = caf::atom_constant<caf::atom("stable")>;

// Told once: by the process that first waits, or by the supervisor that saw it fail.
struct first_answer {
  std::promise<std::string> promise;
  std::atomic<bool> given{false};
  void give(std::string text) {
    if (!given.exchange(true))
      promise.set_value(std::move(text));
  }
};

std::chrono::nanoseconds with_jitter(std::chrono::nanoseconds delay, double jitter) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  std::uniform_real_distribution<double> spread(1.0 - jitter, 1.0 + jitter);
  return std::chrono::nanoseconds(
      static_cast<int64_t>(static_cast<double>(delay.count()) * spread(engine)));
}

} // namespace

struct service::state {
  std::string id;
  restart_policy policy;
  process_starter start;
  std::shared_ptr<first_answer> answer = std::make_shared<first_answer>();
  caf::actor supervisor;
};

namespace {

class supervisor final : public caf::event_based_actor {
 public:
  supervisor(caf::actor_config& config, std::shared_ptr<service::state> about)
      : caf::event_based_actor(config), about_(std::move(about)) {}

  const char* name() const override { return "supervisor"; }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) {
      if (process_ && down.source == process_.actor)
        ended();
    });
    return {
        [this](start_atom) { run(); },
        [this](waiting_atom) {
          // A process that ended at once is said to wait too; its end tells more.
          if (process_ && process_.self->home().processes().find(process_.self->id().number()))
            about_->answer->give("");
        },
        [this](stable_atom, uint64_t run_number) {
          if (run_number == run_number_ && process_)
            failures_ = 0;
        },
        [this](stop_atom, std::chrono::nanoseconds patience) -> caf::result<void> {
          stopping_ = true;
          if (!process_) {
            quit();
            return caf::unit;
          }
          stopped_ = make_response_promise();
          process_.actor->enqueue(
              nullptr, caf::make_message_id(),
              caf::make_message(hub::cancel_signal{hub::pid{}, "service stopping"}), context());
          delayed_send(this, patience, kill_atom::value);
          return stopped_;
        },
        [this](kill_atom) {
          if (!process_)
            return;
          spdlog::warn("{}: did not end in time, killed", about_->id);
          caf::anon_send_exit(process_.actor, caf::exit_reason::kill);
        },
    };
  }

 private:
  void run() {
    if (stopping_ || process_)
      return;
    ++run_number_;
    std::string error;
    auto when_waiting = [me = caf::actor_cast<caf::actor>(this)] {
      caf::anon_send(me, waiting_atom::value);
    };
    process_ = about_->start(std::move(when_waiting), error);
    if (!process_) {
      failed(error);
      return;
    }
    monitor(process_.actor);
    delayed_send(this, about_->policy.stable_threshold, stable_atom::value, run_number_);
    spdlog::debug("{}: started as {}", about_->id, to_string(process_.self->id()));
  }

  void ended() {
    auto process = std::exchange(process_, {});
    const auto& result = process.self->result();
    about_->answer->give(result.error);
    if (stopping_) {
      stopped_.deliver(caf::unit);
      quit();
    } else if (result.error.empty()) {
      spdlog::info("{}: {} has ended by itself; not started again", about_->id,
                   to_string(process.self->id()));
    } else {
      failed(result.error);
    }
  }

  void failed(const std::string& error) {
    about_->answer->give(error);
    ++failures_;
    const auto& policy = about_->policy;
    if (policy.max_attempts != 0 && failures_ >= policy.max_attempts) {
      spdlog::error("{}: failed {} times in a row ({}); not started again", about_->id, failures_,
                    error);
      return;
    }
    const auto delay = with_jitter(restart_delay(policy, failures_), policy.jitter);
    spdlog::error("{}: failed: {}; started again in {:.1f} s", about_->id, error,
                  std::chrono::duration<double>(delay).count());
    delayed_send(this, delay, start_atom::value);
  }

  std::shared_ptr<service::state> about_;
  hub::process_ref process_;
  caf::response_promise stopped_;
  bool stopping_ = false;
  uint64_t failures_ = 0;
  uint64_t run_number_ = 0;
};

} // namespace

std::chrono::nanoseconds restart_delay(const restart_policy& policy, uint64_t attempt) {
  const auto longest = static_cast<double>(policy.max_delay.count());
  const auto exponent = static_cast<double>(std::min<uint64_t>(attempt, 64) - 1);
  const auto delay =
      static_cast<double>(policy.initial_delay.count()) * std::pow(policy.backoff_factor, exponent);
  return std::chrono::nanoseconds(static_cast<int64_t>(std::min(delay, longest)));
}

service::service(caf::actor_system& system, std::string id, restart_policy policy,
                 process_starter start)
    : id_(std::move(id)), state_(std::make_shared<state>()) {
  state_->id = id_;
  state_->policy = policy;
  state_->start = std::move(start);
  state_->supervisor = system.spawn<supervisor>(state_);
}

service::~service() {
  caf::anon_send_exit(state_->supervisor, caf::exit_reason::kill);
  state_->supervisor = nullptr; // the supervisor holds the state
}

std::future<std::string> service::start() {
  auto result = state_->answer->promise.get_future();
  caf::anon_send(state_->supervisor, start_atom::value);
  return result;
}

void service::stop(std::chrono::nanoseconds patience) {
  caf::scoped_actor self{state_->supervisor.home_system()};
  // A kill ends a process within its slice; a second more is for a busy machine.
  self->request(state_->supervisor, patience + std::chrono::seconds(1), stop_atom::value, patience)
      .receive([] {}, [this](const caf::error&) {
        spdlog::warn("{}: did not stop in time", id_);
      });
}

} // namespace natterjack::runtime
