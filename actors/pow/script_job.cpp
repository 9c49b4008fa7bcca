#include "actors/pow/script_job.hpp"

#include "relay/io_thread.hpp"

namespace natterjack::pow {

struct script_state {
  job_io* io = nullptr;
  std::optional<std::string> piece;
  bool input_ended = false;
  bool slept = true;
  std::coroutine_handle<> reader; // each set while the script waits for that
  std::coroutine_handle<> writer;
  std::coroutine_handle<> sleeper;
  std::function<void(std::coroutine_handle<>&)> resume;
  relay::timer_wheel::timer timer{this, [](void* self) {
                                    auto& state = *static_cast<script_state*>(self);
                                    state.slept = true;
                                    // By way of the job, which catches what the script throws.
                                    state.io->handle().post([&state](job_io&) {
                                      state.resume(state.sleeper);
                                    });
                                  }};
};

// -- waiting ------------------------------------------------------------------

bool script_io::reading::await_suspend(std::coroutine_handle<> who) {
  if (state->input_ended)
    return false;
  state->reader = who;
  state->io->read();
  return true;
}

std::optional<std::string> script_io::reading::await_resume() {
  return std::exchange(state->piece, std::nullopt);
}

script_io::writing script_io::write(std::string_view bytes) const {
  return {state_, state_->io->write(bytes)};
}

void script_io::writing::await_suspend(std::coroutine_handle<> who) { state->writer = who; }

bool script_io::sleeping::await_ready() const noexcept {
  state->slept = !state->io->is_cancelled();
  return !state->slept;
}

void script_io::sleeping::await_suspend(std::coroutine_handle<> who) {
  state->sleeper = who;
  state->io->thread().set_timer(state->timer, time);
}

bool script_io::sleeping::await_resume() const noexcept { return state->slept; }

bool script_io::is_cancelled() const noexcept { return state_->io->is_cancelled(); }
const std::string& script_io::cause() const noexcept { return state_->io->cause(); }
job_io& script_io::job() const noexcept { return *state_->io; }

// -- code ---------------------------------------------------------------------

namespace {

class script_job final : public job_code {
 public:
  script_job(script_function function, job_request request)
      : function_(std::move(function)), request_(std::move(request)) {
    state_.resume = [this](std::coroutine_handle<>& waiting) { resume(waiting); };
  }

  void start(job_io& io) override {
    state_.io = &io;
    script_.emplace(function_(script_io(state_), std::move(request_)));
    std::coroutine_handle<> first = script_->handle();
    resume(first);
  }
  void on_input(std::string_view piece) override {
    state_.piece = std::string(piece);
    resume(state_.reader);
  }
  void on_input_end() override {
    state_.input_ended = true;
    resume(state_.reader);
  }
  void on_writable() override { resume(state_.writer); }
  void on_cancel(const std::string&) override {
    state_.timer.cancel();
    state_.slept = false;
    resume(state_.sleeper);
  }

 private:
  void resume(std::coroutine_handle<>& waiting) {
    const auto script = std::exchange(waiting, nullptr);
    if (!script || state_.io->has_ended())
      return;
    try {
      script.resume();
    } catch (const job_error& e) {
      state_.io->fail(e.what());
      return;
    }
    if (script_->handle().done() && !state_.io->has_ended())
      state_.io->finish(script_->handle().promise().value);
  }

  script_function function_; // a lambda's captures live here while its coroutine runs
  job_request request_;
  script_state state_;
  std::optional<script> script_;
};

} // namespace

std::shared_ptr<job_source> script_source(script_function function) {
  return make_source([function = std::move(function)](const job_request& request) -> made_job {
    return std::make_unique<script_job>(function, request);
  });
}

} // namespace natterjack::pow
