#include "actors/pow/job_actor.hpp"

#include "actors/pow/json_text.hpp"
#include "hub/node.hpp"
#include "relay/io_thread.hpp"

#include <caf/actor_system.hpp>

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

namespace natterjack::pow {

namespace {

using ended_atom = caf::atom_constant<caf::atom("ended")>;

} // namespace

job::job(caf::actor_config& config, relay::io_thread& thread, hub::node& node,
         const hub::host_name* host, job_bounds bounds, std::shared_ptr<job_front> front)
    : pinned_actor(config, thread, node, host), bounds_(bounds), front_(std::move(front)),
      stop_timer_(this, [](void* self) {
        auto& j = *static_cast<job*>(self);
        j.end({job_end::kind::error, j.cause_});
      }) {
  enter(ctrl());
}

// -- code ---------------------------------------------------------------------

void job::panic(const char* what) {
  spdlog::error("{}: job code threw: {}", to_string(id()), what);
  end({job_end::kind::panicked, what});
}

void job::begin(made_job made) {
  if (ended_ || code_)
    return;
  if (auto* refusal = std::get_if<job_refusal>(&made)) {
    refuse(std::move(refusal->why));
    return;
  }
  code_ = std::move(std::get<std::unique_ptr<job_code>>(made));
  guard([this] { code_->start(*this); });
  if (cancelled_ && !ended_)
    guard([this] { code_->on_cancel(cause_); });
  if (terminated_ && !ended_)
    guard([this] { code_->on_terminate(); });
  if (client_lost_ && !ended_)
    guard([this] { code_->on_client_lost(); });
  pump();
}

// -- cancellation -------------------------------------------------------------

void job::cancel(std::string_view cause) {
  if (ended_ || cancelled_)
    return;
  cancelled_ = true;
  cause_ = cause;
  if (code_)
    guard([this] { code_->on_cancel(cause_); });
}

void job::terminate(std::string_view cause) {
  cancel(cause);
  close_input();
  if (ended_ || terminated_)
    return;
  terminated_ = true;
  if (code_)
    guard([this] { code_->on_terminate(); });
}

void job::abandon(std::string_view cause) {
  front_.reset();
  drop_input();
  if (output_full_)
    output_has_room(); // nobody is slow any more
  terminate(cause);
  if (!ended_)
    thread().set_timer(stop_timer_, bounds_.stop_wait);
}

void job::lose_client(std::string_view cause) {
  abandon(cause);
  if (ended_ || client_lost_)
    return;
  client_lost_ = true;
  if (code_)
    guard([this] { code_->on_client_lost(); });
}

// -- output -------------------------------------------------------------------

bool job::write(std::string_view bytes) {
  if (ended_)
    return true;
  observers_.output(id(), bytes);
  if (front_ && !front_->on_output(bytes))
    output_full_ = true;
  return !output_full_;
}

void job::write_error(std::string_view bytes) {
  if (!ended_)
    observers_.error_output(id(), bytes);
}

void job::output_has_room() {
  if (!std::exchange(output_full_, false) || ended_ || !code_)
    return;
  guard([this] { code_->on_writable(); });
}

hub::process_ref job::observer_in(const hub::message& what) {
  const auto values = what.payloads();
  const bool is_named = !values.empty() && values.front().kind() == hub::payload_kind::text;
  return is_named ? home().resolve(values.front().bytes())
                  : home().processes().find(what.from().number());
}

void job::attach(const hub::message& what) {
  auto observer = observer_in(what);
  if (!observer || observer.self == static_cast<hub::process*>(this))
    return;
  if (ended_) { // as to those who had come before
    job_observers late;
    late.add(observer);
    late.end(id(), result_document(end_, false));
    return;
  }
  if (observers_.add(observer))
    monitor(observer.actor);
}

void job::detach(const hub::message& what) {
  const auto observer = observer_in(what);
  if (!observer)
    return;
  demonitor(observer.actor->address());
  observers_.remove(observer.actor->address());
}

// -- the end ------------------------------------------------------------------

void job::finish(const nlohmann::json& value) {
  end({job_end::kind::value, json_value(value).value_or("")});
}

void job::finish_text(std::string json) { end({job_end::kind::value, std::move(json)}); }

void job::fail(std::string error) { end({job_end::kind::error, std::move(error)}); }

void job::refuse(std::string why) { end({job_end::kind::refused, std::move(why)}); }

void job::end(job_end result) {
  if (ended_)
    return;
  ended_ = true;
  stop_timer_.cancel();
  if (result.what == job_end::kind::value)
    ending().value = hub::payload::json(result.text.empty() ? "null" : result.text);
  else
    ending().error = result.text.empty() ? "error without a text" : result.text;
  if (!observers_.empty())
    observers_.end(id(), result_document(result, false));
  drop_input();
  end_ = std::move(result);
  if (auto front = std::exchange(front_, nullptr))
    front->on_end(end_);
  // The code may be the caller: it is destroyed when the actor has left its hands.
  enqueue(nullptr, caf::make_message_id(), caf::make_message(ended_atom::value), nullptr);
}

// -- actor --------------------------------------------------------------------

job_handle job::handle() { return job_handle(caf::strong_actor_ptr(ctrl())); }

void job_handle::post(std::function<void(job_io&)> call) const {
  if (!job_)
    return;
  auto* target = static_cast<job*>(job_->get());
  target->thread().push_call([held = job_, target, call = std::move(call)] {
    if (target->has_ended())
      return;
    try {
      call(*target);
    } catch (const std::exception& e) {
      target->panic(e.what());
    }
  });
}

caf::behavior job::make_behavior() {
  set_down_handler([this](const caf::down_msg& down) {
    observers_.remove(down.source);
    if (!ended_ && code_)
      guard([this, &down] { code_->on_down(down.source); });
  });
  set_exit_handler([this](const caf::exit_msg& exit) {
    if (!exit.reason)
      return; // a linked process that ended normally
    terminate("terminated by another process");
    if (!ended_)
      thread().set_timer(stop_timer_, bounds_.stop_wait);
  });
  set_default_handler([](caf::scheduled_actor*, caf::message_view&) {
    return caf::result<caf::message>{caf::sec::unexpected_message};
  });
  return {
      [this](ended_atom) {
        if (result().error.empty())
          quit();
        else
          quit(caf::make_error(caf::sec::runtime_error, result().error));
      },
      [this](const hub::cancel_signal& cancel) {
        terminate(cancel.reason.empty() ? "cancelled" : cancel.reason);
        if (!ended_)
          thread().set_timer(stop_timer_, bounds_.stop_wait);
      },
  };
}

void job::accept(const hub::message_ptr& what) {
  const auto name = what->topic();
  if (accept_input(what))
    return;
  what->settle();
  if (name == "pow.close")
    close_input();
  else if (name == "pow.cancel")
    cancel(what->payloads().empty() || what->payloads().front().bytes().empty()
               ? "cancelled"
               : what->payloads().front().bytes());
  else if (name == "pow.attach")
    attach(*what);
  else if (name == "pow.detach")
    detach(*what);
  else if (code_ && !ended_)
    guard([this, &what] {
      if (!code_->on_message(what))
        spdlog::debug("{}: message {} from {} ignored", to_string(id()), what->topic(),
                      to_string(what->from()));
    });
}

// Also after a kill, which no handler hears of.
void job::on_exit() {
  end({job_end::kind::error, cancelled_ ? cause_ : "process was terminated"});
  stop_timer_.cancel();
  code_.reset();
  observers_.clear();
  hub::process::leave();
}

job_ref spawn_job(relay::io_thread& thread, hub::node& node, hub::process_host& places,
                  job_bounds bounds, std::shared_ptr<job_front> front) {
  caf::actor_config config{&thread};
  auto handle = node.system().spawn_class<job, caf::no_spawn_options>(
      config, thread, node, places.name(), bounds, std::move(front));
  auto actor = caf::actor_cast<caf::strong_actor_ptr>(handle);
  places.hold(actor);
  auto* self = static_cast<job*>(actor->get());
  return {std::move(actor), self};
}

std::string result_document(const job_end& end, bool with_prefix) {
  if (end.what == job_end::kind::value)
    return end.text.empty() ? R"({"status":"fulfilled"})"
                            : R"({"status":"fulfilled","value":)" + end.text + "}";
  std::string reason;
  if (end.what == job_end::kind::refused)
    reason = "failed to get process: ";
  else if (end.what == job_end::kind::panicked)
    reason = "unknown error: ";
  else if (with_prefix)
    reason = "process returned error: ";
  reason += end.text;
  std::string document = R"({"status":"rejected","reason":)";
  append_json_text(document, reason);
  return document += '}';
}

} // namespace natterjack::pow
