#include "actors/pow/ws_session.hpp"

#include "actors/pow/control_message.hpp"
#include "actors/pow/handshake.hpp"

namespace natterjack::pow {

namespace {

class ws_session final : public stream_owner,
                         public job_front,
                         public std::enable_shared_from_this<ws_session> {
 public:
  ws_session(std::shared_ptr<service_core> core, std::shared_ptr<const relay::http_request> request,
             relay::taken_socket taken)
      : core_(std::move(core)), request_(std::move(request)), thread_(taken.thread),
        stream_(std::make_shared<frame_stream>(std::move(taken), core_->options.limits.stream)),
        call_timer_(this, [](void* self) { static_cast<ws_session*>(self)->on_call_timeout(); }) {}

  void start() {
    thread_.set_timer(call_timer_, core_->options.limits.call_time);
    stream_->open(accept_head(*request_), shared_from_this());
  }

  // -- from the client

  void on_text(std::string_view body) override {
    if (const auto job = job_) {
      job.self->push_input(body);
      if (job_ && !job.self->has_input_room())
        stream_->pause();
    } else if (state_ == state::waiting) {
      early_bytes_ += body.size() + early_overhead;
      early_.emplace_back(body);
      if (early_bytes_ >= core_->options.limits.job.input_bytes)
        stream_->pause(); // the call may stand behind this: then it is late
    }
  }

  void on_binary(std::string_view body) override {
    if (state_ == state::waiting)
      call(body);
    else if (job_)
      take_signal(decode_signal(body));
  }

  void on_room() override {
    if (const auto job = job_)
      job.self->output_has_room();
  }

  void on_gone() override {
    state_ = state::done;
    call_timer_.cancel();
    early_.clear();
    if (auto job = std::exchange(job_, {}))
      job.self->lose_client("client has gone away");
  }

  // -- from the job

  bool on_output(std::string_view bytes) override {
    // A write of nothing is an empty message; one that only waits for the rest of a character is none.
    if (const auto text = joiner_.take(bytes); !text.empty() || bytes.empty())
      stream_->send_text(text);
    return stream_->has_room();
  }

  void on_input_room() override { stream_->resume(); }

  void on_end(const job_end& end) override {
    if (const auto rest = joiner_.finish(); !rest.empty())
      stream_->send_text(rest);
    finish(result_document(end, true));
  }

 private:
  enum class state : uint8_t { waiting, running, done };
  static constexpr size_t early_overhead = 64;

  void call(std::string_view body) {
    call_timer_.cancel();
    auto called = decode_call(body, behind::nothing);
    if (!called) {
      finish(R"({"status":"rejected","reason":"protocol error occurred"})");
      return;
    }
    state_ = state::running;
    auto job = core_->make_job(thread_, shared_from_this());
    if (!job) {
      finish(result_document({job_end::kind::refused, std::string(too_many_jobs)}, true));
      return;
    }
    job_ = job;
    auto wanted = std::make_shared<job_request>();
    wanted->name = std::move(called->name);
    wanted->arguments = std::move(called->arguments);
    wanted->http = std::move(request_);
    for (const auto& text : std::exchange(early_, {}))
      job.self->push_input(text);
    core_->start_job(job, std::move(wanted));
    if (job_ && job.self->has_input_room())
      stream_->resume();
  }

  void take_signal(std::optional<signal> what) {
    const auto job = job_;
    if (!what) {
      job.self->cancel(protocol_error);
    } else if (*what == signal::close) {
      job.self->close_input();
    } else if (++cancels_ == 1) {
      job.self->cancel(cancelled_by_client);
    } else if (cancels_ == 2) {
      job.self->terminate(cancelled_by_client);
    }
  }

  void on_call_timeout() {
    const auto alive = shared_from_this();
    stream_->read_arrived();
    if (state_ == state::waiting)
      finish(R"({"status":"rejected","reason":"timeout expired"})");
  }

  void finish(std::string_view result) {
    if (state_ == state::done)
      return;
    state_ = state::done;
    call_timer_.cancel();
    early_.clear();
    job_ = {};
    stream_->send_binary(result);
    stream_->close(1000);
  }

  std::shared_ptr<service_core> core_;
  std::shared_ptr<const relay::http_request> request_; // until the call
  relay::io_thread& thread_;
  std::shared_ptr<frame_stream> stream_;
  job_ref job_;
  utf8_joiner joiner_;
  std::vector<std::string> early_; // input before the call
  size_t early_bytes_ = 0;
  unsigned cancels_ = 0;
  state state_ = state::waiting;
  relay::timer_wheel::timer call_timer_;
};

} // namespace

void start_ws_session(std::shared_ptr<service_core> core,
                      std::shared_ptr<const relay::http_request> request,
                      relay::taken_socket taken) {
  // Frames before the 101, or a body: no websocket client does that, and clients of POW know no answer.
  if (!taken.leftover.empty() || !request->body.empty()) {
    boost::system::error_code ignored;
    taken.socket.close(ignored);
    return;
  }
  std::make_shared<ws_session>(std::move(core), std::move(request), std::move(taken))->start();
}

} // namespace natterjack::pow
