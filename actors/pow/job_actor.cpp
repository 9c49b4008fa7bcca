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

constexpr size_t piece_overhead = 64; // so that a queue of tiny pieces is bounded as well

hub::shared_bytes topic(const char* name) { return hub::shared_bytes(name); }

bool is_input(const hub::message& what) noexcept {
  return what.topic() == "pow.input" && !what.payloads().empty();
}

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

// What code throws ends its job, nothing else.
template <class Call>
void job::guard(Call&& call) {
  try {
    call();
  } catch (const std::exception& e) {
    panic(e.what());
  } catch (...) {
    panic("unknown exception");
  }
}

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

// -- input --------------------------------------------------------------------

void job::push_input(std::string_view bytes, input_done on_done) {
  queue({std::string(bytes), nullptr, std::move(on_done)});
}

// The last that is heard of a piece: its sender may send more.
void job::let_go(const piece& gone, bool was_read) {
  if (gone.message) {
    sent_bytes_.fetch_sub(gone.view().size() + piece_overhead, std::memory_order_relaxed);
    gone.message->settle();
  }
  if (gone.on_done)
    gone.on_done(was_read);
}

void job::queue(piece added) {
  const bool is_empty = added.view().empty(); // nobody can read nothing
  if (ended_ || input_closed_ || is_empty) {
    let_go(added, is_empty);
    return;
  }
  // The short way: the code waits for input, and nothing stands before it.
  if (wants_input_ && input_.empty() && !pumping_ && code_) {
    wants_input_ = false;
    pumping_ = true;
    guard([this, &added] { code_->on_input(added.view()); });
    pumping_ = false;
    let_go(added, true);
    pump();
    return;
  }
  input_bytes_ += added.view().size() + piece_overhead;
  input_.push_back(std::move(added));
  if (!has_input_room())
    input_was_full_ = true;
}

void job::pump() {
  if (pumping_)
    return; // the loop below sees what has changed
  pumping_ = true;
  while (wants_input_ && !ended_ && code_ && !input_.empty()) {
    wants_input_ = false;
    auto next = std::move(input_.front());
    input_.pop_front();
    input_bytes_ -= next.view().size() + piece_overhead;
    guard([this, &next] { code_->on_input(next.view()); });
    let_go(next, true);
  }
  if (input_closed_ && input_.empty() && !input_end_told_ && !ended_ && code_) {
    input_end_told_ = true;
    guard([this] { code_->on_input_end(); });
  }
  pumping_ = false;
  if (input_was_full_ && has_input_room()) {
    input_was_full_ = false;
    if (front_)
      front_->on_input_room();
  }
}

void job::take_back_input() {
  std::erase_if(input_, [this](const piece& p) {
    if (p.on_done)
      input_bytes_ -= p.view().size() + piece_overhead;
    return static_cast<bool>(p.on_done);
  });
}

void job::drop_input() {
  input_bytes_ = 0;
  for (auto dropped = std::exchange(input_, {}); const auto& p : dropped)
    let_go(p, false);
}

void job::read() {
  wants_input_ = true;
  pump();
}

void job::close_input() {
  if (ended_ || input_closed_)
    return;
  input_closed_ = true;
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
  if (!observers_.empty())
    if (const auto text = observed_.take(bytes); !text.empty())
      tell_observers("pow.output", hub::payload::text(text));
  if (front_ && !front_->on_output(bytes))
    output_full_ = true;
  return !output_full_;
}

void job::write_error(std::string_view bytes) {
  if (ended_ || observers_.empty())
    return;
  utf8_joiner repair;
  std::string text(repair.take(bytes));
  text += repair.finish();
  tell_observers("pow.error_output", hub::payload::text(text));
}

void job::output_has_room() {
  if (!std::exchange(output_full_, false) || ended_ || !code_)
    return;
  guard([this] { code_->on_writable(); });
}

// -- observers ----------------------------------------------------------------

void job::attach(const hub::message& what) {
  const auto values = what.payloads();
  const bool named = !values.empty() && values.front().kind() == hub::payload_kind::text;
  auto observer = named ? home().resolve(values.front().bytes())
                        : home().processes().find(what.from().number());
  if (!observer || observer.self == static_cast<hub::process*>(this))
    return;
  for (const auto& known : observers_)
    if (known.self == observer.self)
      return;
  if (ended_) { // as to those who had come before
    observer.self->deliver(hub::make_message(id(), topic("pow.end"),
                                             hub::payload::json(result_document(end_, false))));
    return;
  }
  monitor(observer.actor);
  observers_.push_back(std::move(observer));
}

void job::detach(const hub::message& what) {
  const auto values = what.payloads();
  const bool named = !values.empty() && values.front().kind() == hub::payload_kind::text;
  const auto observer = named ? home().resolve(values.front().bytes())
                              : home().processes().find(what.from().number());
  if (!observer)
    return;
  demonitor(observer.actor->address());
  drop_observer(observer.actor->address());
}

void job::drop_observer(const caf::actor_addr& who) {
  std::erase_if(observers_, [&who](const auto& o) { return o.actor->address() == who; });
}

void job::tell_observers(const char* name, hub::payload value) {
  if (observers_.empty())
    return;
  const auto message = hub::make_message(id(), topic(name), std::move(value));
  for (const auto& observer : observers_)
    observer.self->deliver(message);
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
    result_.value = hub::payload::json(result.text.empty() ? "null" : result.text);
  else
    result_.error = result.text.empty() ? "error without a text" : result.text;
  if (const auto rest = observed_.finish(); !rest.empty())
    tell_observers("pow.output", hub::payload::text(rest));
  if (!observers_.empty())
    tell_observers("pow.end", hub::payload::json(result_document(result, false)));
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
    drop_observer(down.source);
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
        if (result_.error.empty())
          quit();
        else
          quit(caf::make_error(caf::sec::runtime_error, result_.error));
      },
      [this](const hub::cancel_signal& cancel) {
        terminate(cancel.reason.empty() ? "cancelled" : cancel.reason);
        if (!ended_)
          thread().set_timer(stop_timer_, bounds_.stop_wait);
      },
  };
}

// From any thread. A job that does not read must not let other processes fill the memory.
hub::send_result job::deliver(hub::message_ptr what) noexcept {
  if (is_input(*what)) {
    const auto size = what->payloads().front().bytes().size() + piece_overhead;
    if (sent_bytes_.load(std::memory_order_relaxed) >= bounds_.input_bytes)
      return hub::send_result::mailbox_full;
    sent_bytes_.fetch_add(size, std::memory_order_relaxed);
  }
  return pinned_actor::deliver(std::move(what));
}

void job::accept(const hub::message_ptr& what) {
  const auto name = what->topic();
  if (is_input(*what)) {
    queue({{}, what, {}});
    return;
  }
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
