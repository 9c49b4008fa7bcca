#include "actors/pow/worker_source.hpp"

#include "actors/pow/json_text.hpp"
#include "hub/process.hpp"

#include <caf/event_based_actor.hpp>
#include <caf/exit_reason.hpp>
#include <caf/send.hpp>

#include <openssl/evp.h>

namespace natterjack::pow {

namespace {

hub::payload bytes_payload(std::string_view bytes) {
  return hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes);
}

std::string base64(std::string_view bytes) {
  std::string result((bytes.size() + 2) / 3 * 4 + 1, '\0');
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(result.data()),
                                     reinterpret_cast<const unsigned char*>(bytes.data()),
                                     static_cast<int>(bytes.size()));
  result.resize(static_cast<size_t>(length));
  return result;
}

// Empty for what JSON cannot say.
std::string to_json(const hub::payload& value) {
  std::string result;
  switch (value.kind()) {
    case hub::payload_kind::nil:
      return "null";
    case hub::payload_kind::text:
      append_json_text(result, value.bytes());
      return result;
    case hub::payload_kind::binary:
      append_json_text(result, base64(value.bytes()));
      return result;
    case hub::payload_kind::json:
      return json_document(value.bytes()).value_or("");
  }
  return result;
}

class worker_job final : public job_code {
 public:
  worker_job(worker_starter start, job_request request)
      : start_(std::move(start)), request_(std::move(request)) {}

  ~worker_job() override {
    if (worker_)
      caf::anon_send_exit(worker_.actor, caf::exit_reason::kill);
  }

  void start(job_io& io) override {
    io_ = &io;
    auto started = start_(request_, io.id());
    request_ = {};
    if (!started.process) {
      io.refuse(started.error);
      return;
    }
    worker_ = std::move(started.process);
    io.watch(worker_.actor);
  }

  void on_input(std::string_view piece) override {
    wants_input_ = false;
    tell("pow.input", bytes_payload(piece));
  }

  void on_input_end() override {
    input_ended_ = true;
    tell_input_end();
  }

  void on_cancel(const std::string& cause) override {
    tell("pow.cancel", hub::payload::text(cause));
  }

  void on_terminate() override {
    if (worker_)
      worker_.actor->enqueue(nullptr, caf::make_message_id(),
                             caf::make_message(hub::cancel_signal{io_->id(), io_->cause()}),
                             nullptr);
  }

  void on_writable() override {
    for (; unanswered_ > 0; --unanswered_)
      tell("pow.written", {});
  }

  bool on_message(const hub::message_ptr& what) override {
    if (!worker_ || what->from() != worker_.self->id())
      return false;
    const auto values = what->payloads();
    const auto value = values.empty() ? hub::payload{} : values.front();
    if (what->topic() == "pow.read") {
      wants_input_ = true;
      io_->read();
      tell_input_end();
    } else if (what->topic() == "pow.output") {
      if (io_->write(value.bytes()))
        tell("pow.written", {});
      else
        ++unanswered_;
    } else if (what->topic() == "pow.error_output") {
      io_->write_error(value.bytes());
    } else if (what->topic() == "pow.result") {
      io_->finish_text(to_json(value));
    } else if (what->topic() == "pow.error") {
      io_->fail(std::string(value.bytes()));
    } else {
      return false;
    }
    return true;
  }

  // Its last messages came before: they were sent by the same thread of control.
  void on_down(const caf::actor_addr& who) override {
    if (!worker_ || worker_.actor->address() != who)
      return;
    const auto worker = std::exchange(worker_, {});
    const auto& result = worker.self->result();
    if (result.error.empty())
      io_->finish_text(to_json(result.value));
    else
      io_->fail(result.error);
  }

 private:
  void tell(const char* topic, hub::payload value) {
    if (worker_)
      worker_.self->deliver(
          hub::make_message(io_->id(), hub::shared_bytes(topic), std::move(value)));
  }

  // The end, too, is something to be read.
  void tell_input_end() {
    if (input_ended_ && std::exchange(wants_input_, false))
      tell("pow.input_end", {});
  }

  worker_starter start_;
  job_request request_; // until the start
  job_io* io_ = nullptr;
  hub::process_ref worker_; // until its end
  size_t unanswered_ = 0;   // outputs the worker has not been told of
  bool input_ended_ = false;
  bool wants_input_ = false;
};

} // namespace

std::shared_ptr<job_source> worker_source(worker_starter start) {
  return make_source([start = std::move(start)](const job_request& request) -> made_job {
    return std::make_unique<worker_job>(start, request);
  });
}

} // namespace natterjack::pow
