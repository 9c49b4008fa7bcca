#include "runtime/supervision/supervisor.hpp"

#include "hub/counters.hpp"
#include "hub/log_fields.hpp"
#include "hub/node.hpp"
#include "relay/websocket/connection.hpp"

#include <caf/actor_system.hpp>
#include <caf/event_based_actor.hpp>
#include <caf/send.hpp>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <random>

namespace natterjack::runtime {

namespace {

using supervision::start_atom;
using supervision::stop_atom;
using supervision::upgrade_atom;
using kill_atom = caf::atom_constant<caf::atom("kill")>;
using waiting_atom = caf::atom_constant<caf::atom("waiting")>;
using stable_atom = caf::atom_constant<caf::atom("stable")>;
using late_atom = caf::atom_constant<caf::atom("late")>;
using ready_atom = caf::atom_constant<caf::atom("ready")>;
using tooslow_atom = caf::atom_constant<caf::atom("tooslow")>;
using goodbye_atom = caf::atom_constant<caf::atom("goodbye")>;

constexpr auto lead_interval = std::chrono::milliseconds(2);
constexpr int lead_looks_max = 500; // a second for all connections to look at their new hub

std::chrono::nanoseconds with_jitter(std::chrono::nanoseconds delay, double jitter) {
  thread_local std::mt19937_64 engine{std::random_device{}()};
  std::uniform_real_distribution<double> spread(1.0 - jitter, 1.0 + jitter);
  return std::chrono::nanoseconds(
      static_cast<int64_t>(static_cast<double>(delay.count()) * spread(engine)));
}

double in_seconds(std::chrono::nanoseconds time) {
  return std::chrono::duration<double>(time).count();
}

// The file of the process has no such function, and will have none the next time (method.cpp).
bool lacks_its_method(const hub::exit_result& result) {
  const auto facts = nlohmann::json::parse(result.error_facts.bytes(), nullptr, false);
  if (!facts.is_object())
    return false;
  const auto details = facts.find("details");
  return details != facts.end() && details->is_object() && details->contains("missing_method");
}

class supervisor final : public caf::event_based_actor {
 public:
  supervisor(caf::actor_config& config, std::shared_ptr<service::state> about)
      : caf::event_based_actor(config), about_(std::move(about)) {}

  const char* name() const override { return "supervisor"; }

  caf::behavior make_behavior() override {
    set_down_handler([this](const caf::down_msg& down) {
      if (process_ && down.source == process_.actor)
        ended();
      else if (next_.process && down.source == next_.process.actor)
        upgrade_failed(next_.process.self->result().error.empty()
                           ? "it ended before it waited for anything"
                           : next_.process.self->result().error);
    });
    return {
        [this](start_atom) { run(); },
        [this](waiting_atom, uint64_t run_number) {
          // A process that ended at once is said to wait too; its end tells more.
          if (run_number == run_number_ && process_ && is_alive(process_))
            has_started();
        },
        [this](late_atom, uint64_t run_number) {
          if (run_number != run_number_ || !process_ || is(service_state::running))
            return;
          error_ = "has not waited for anything within start_timeout (" +
                   std::to_string(in_seconds(about_->plan.start_timeout)).substr(0, 5) + " s)";
          caf::anon_send_exit(process_.actor, caf::exit_reason::kill);
        },
        [this](stable_atom, uint64_t run_number) {
          if (run_number == run_number_ && process_)
            failures_ = 0;
        },
        [this](upgrade_atom, const std::shared_ptr<upgrade_wish>& wish) { upgrade(wish); },
        [this](ready_atom, uint64_t number) {
          if (next_.process && number == upgrade_number_ && is_alive(next_.process))
            take_over();
        },
        [this](tooslow_atom, uint64_t number) {
          if (!next_.process || number != upgrade_number_)
            return;
          caf::anon_send_exit(next_.process.actor, caf::exit_reason::kill);
          upgrade_failed("it has not waited for anything within start_timeout");
        },
        [this](goodbye_atom, uint64_t number, int looks) { say_goodbye(number, looks); },
        [this](stop_atom, std::chrono::nanoseconds patience) -> caf::result<void> {
          return stop(patience);
        },
        [this](kill_atom, const caf::actor& who) {
          if (!leaving_ || caf::actor_cast<caf::actor>(leaving_.actor) != who)
            return;
          const auto leaving = std::exchange(leaving_, {});
          if (!is_alive(leaving))
            return;
          const hub::log_scope about({.entry = about_->id});
          spdlog::warn("{}: did not end in time, killed", about_->id);
          caf::anon_send_exit(who, caf::exit_reason::kill);
        },
    };
  }

 private:
  static bool is_alive(const hub::process_ref& who) {
    return static_cast<bool>(who.self->home().processes().find(who.self->id().number()));
  }

  bool is(service_state what) const {
    std::lock_guard guard(about_->mutex);
    return about_->status.state == what;
  }

  void note(service_state now) {
    std::lock_guard guard(about_->mutex);
    about_->status.state = now;
    about_->status.process = process_ ? process_.self->id() : about_->status.process;
  }

  // -- running

  void run() {
    if (stopping_ || process_ || wish_) // a new version that starts decides what comes
      return;
    ++run_number_;
    error_.clear();
    auto when_waiting = [me = caf::actor_cast<caf::actor>(this), number = run_number_] {
      caf::anon_send(me, waiting_atom::value, number);
    };
    auto made = about_->plan.start(std::move(when_waiting), {});
    if (!made.process) {
      failed(made.error);
      return;
    }
    adopt(std::move(made.process));
    note(service_state::starting);
    monitor(process_.actor);
    delayed_send(this, about_->plan.start_timeout, late_atom::value, run_number_);
    spdlog::debug("{}: started as {}", about_->id, to_string(process_.self->id()));
  }

  void adopt(hub::process_ref process) {
    process_ = std::move(process);
    std::lock_guard guard(about_->mutex);
    ++about_->status.starts;
  }

  void has_started() {
    note(service_state::running);
    delayed_send(this, about_->plan.policy.stable_threshold, stable_atom::value, run_number_);
    about_->settled.give("");
    decide_first_attempt("");
  }

  void decide_first_attempt(const std::string& error) {
    if (auto wish = std::exchange(first_attempt_, nullptr))
      wish->decided.set_value(error);
  }

  void ended() {
    const hub::log_scope about({.entry = about_->id, .process = process_.self->id()});
    auto process = std::exchange(process_, {});
    const auto& result = process.self->result();
    const auto& error = error_.empty() ? result.error : error_;
    about_->settled.give(error);
    if (stopping_) {
      note(service_state::stopped);
      decide_first_attempt("the service is being stopped");
      stopped_.deliver(caf::unit);
      quit();
    } else if (error.empty()) {
      note(service_state::exited);
      decide_first_attempt("");
      const auto id = process.self->id();
      spdlog::info("{}: {} has ended {}", about_->id, to_string(id),
                   was_asked_to_end(id)
                       ? "as the administrator asked; started again with a reload that changes it, "
                         "or with the next start"
                       : "by itself; not started again");
    } else {
      failed(error, lacks_its_method(result));
    }
  }

  bool was_asked_to_end(const hub::pid& process) const {
    std::lock_guard guard(about_->mutex);
    return about_->asked_to_end == process;
  }

  void failed(const std::string& error, bool is_hopeless = false) {
    about_->settled.give(error);
    ++failures_;
    const auto& policy = about_->plan.policy;
    const bool gives_up =
        is_hopeless || (policy.max_attempts != 0 && failures_ >= policy.max_attempts);
    {
      std::lock_guard guard(about_->mutex);
      ++about_->status.failures;
      about_->status.last_error = error;
      about_->status.state = gives_up ? service_state::failed : service_state::waiting;
    }
    const hub::log_scope about({.entry = about_->id});
    if (gives_up) {
      decide_first_attempt(error + "; it is not started again");
      spdlog::error("{}: failed {} ({}); not started again", about_->id,
                    failures_ == 1 ? "once" : std::to_string(failures_) + " times in a row",
                    without_traceback(error));
      return;
    }
    decide_first_attempt(error + "; it is tried again");
    const auto delay = with_jitter(restart_delay(policy, failures_), policy.jitter);
    spdlog::error("{}: failed: {}; started again in {}", about_->id, without_traceback(error),
                  delay < std::chrono::seconds(1) ? fmt::format("{:.0f} ms", in_seconds(delay) * 1000)
                             : fmt::format("{:.1f} s", in_seconds(delay)));
    delayed_send(this, delay, start_atom::value);
  }

  // -- a new version

  void upgrade(const std::shared_ptr<upgrade_wish>& wish) {
    if (stopping_ || wish_ || first_attempt_) {
      wish->decided.set_value(stopping_ ? "the service is being stopped"
                                        : "another upgrade is under way");
      return;
    }
    if (!process_) {
      // Nobody to replace: the new version has its own first attempt at once.
      about_->plan = std::move(wish->plan);
      failures_ = 0;
      first_attempt_ = wish;
      run();
      return;
    }
    wish_ = wish;
    ++upgrade_number_;
    auto made = wish->plan.start(
        [me = caf::actor_cast<caf::actor>(this), number = upgrade_number_] {
          caf::anon_send(me, ready_atom::value, number);
        },
        process_.self->id());
    if (!made.process) {
      upgrade_failed(made.error);
      return;
    }
    next_ = std::move(made);
    monitor(next_.process.actor);
    delayed_send(this, wish->plan.start_timeout, tooslow_atom::value, upgrade_number_);
  }

  void upgrade_failed(const std::string& why) {
    if (next_.process)
      demonitor(next_.process.actor->address());
    next_ = {};
    const hub::log_scope about({.entry = about_->id});
    spdlog::error("{}: the new version did not start: {}; {} goes on", about_->id, why,
                  process_ ? to_string(process_.self->id()) : std::string("nobody"));
    if (auto wish = std::exchange(wish_, nullptr))
      wish->decided.set_value(process_ ? why + "; the old version goes on" : why);
    if (!process_ && !stopping_)
      run(); // the old one failed meanwhile
  }

  // The new version waits for messages: names first, so that who looks finds it; then those who talk to
  // the old one; and only when none of them does any more, its end.
  void take_over() {
    auto next = std::exchange(next_, {});
    auto wish = std::exchange(wish_, nullptr);
    about_->plan = std::move(wish->plan);
    leaving_ = std::exchange(process_, {});
    ++run_number_;
    adopt(std::move(next.process));
    auto& node = process_.self->home();
    if (!leaving_) { // it failed while the new version started
      if (next.hand_over)
        next.hand_over();
      has_started();
      wish->decided.set_value("");
      return;
    }
    const auto before = leaving_.self->id();
    node.succeed(before, process_.self->id());
    if (next.hand_over)
      next.hand_over();
    has_started();
    const hub::log_scope about({.entry = about_->id, .process = process_.self->id()});
    left_ = std::make_shared<std::atomic<size_t>>(0);
    relay::lead_to_successor(node, before, left_);
    spdlog::info("{}: {} replaces {}", about_->id, to_string(process_.self->id()),
                 to_string(before));
    wish->decided.set_value("");
    say_goodbye(before.number(), 0);
  }

  void say_goodbye(uint64_t number, int looks) {
    if (!leaving_ || leaving_.self->id().number() != number || !is_alive(leaving_))
      return;
    if (left_->load() != 0 && looks < lead_looks_max) {
      delayed_send(this, lead_interval, goodbye_atom::value, number, looks + 1);
      return;
    }
    cancel(leaving_, "a new version took over", about_->plan.stop_timeout);
  }

  void cancel(const hub::process_ref& who, const char* why, std::chrono::nanoseconds patience) {
    who.actor->enqueue(nullptr, caf::make_message_id(),
                       caf::make_message(hub::cancel_signal{hub::pid{}, why}), context());
    leaving_ = who;
    delayed_send(this, patience, kill_atom::value, caf::actor_cast<caf::actor>(who.actor));
  }

  // -- the end

  caf::result<void> stop(std::chrono::nanoseconds patience) {
    stopping_ = true;
    if (next_.process) {
      caf::anon_send_exit(next_.process.actor, caf::exit_reason::kill);
      upgrade_failed("the service is being stopped");
    }
    if (leaving_ && is_alive(leaving_))
      caf::anon_send_exit(leaving_.actor, caf::exit_reason::kill);
    if (!process_) {
      note(service_state::stopped);
      decide_first_attempt("the service is being stopped");
      quit();
      return caf::unit;
    }
    stopped_ = make_response_promise();
    cancel(process_, "service stopping", patience);
    return stopped_;
  }

  std::shared_ptr<service::state> about_;
  hub::process_ref process_;
  hub::process_ref leaving_; // has been asked to end
  started_process next_;     // the new version, until it first waits
  std::shared_ptr<upgrade_wish> wish_;
  std::shared_ptr<upgrade_wish> first_attempt_; // of a new version with nobody to replace
  uint64_t upgrade_number_ = 0;
  std::shared_ptr<std::atomic<size_t>> left_;
  caf::response_promise stopped_;
  std::string error_; // why the process is being ended
  bool stopping_ = false;
  uint64_t failures_ = 0;
  uint64_t run_number_ = 0;
};

} // namespace

caf::actor spawn_supervisor(caf::actor_system& system, std::shared_ptr<service::state> about) {
  return caf::actor_cast<caf::actor>(system.spawn<supervisor>(std::move(about)));
}

} // namespace natterjack::runtime
