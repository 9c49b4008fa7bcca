#include "runtime/server/lua_job.hpp"

#include "actors/pow/json_text.hpp"
#include "hub/node.hpp"
#include "relay/io_thread.hpp"

#include <caf/send.hpp>

#include <nlohmann/json.hpp>

namespace natterjack::runtime {

namespace {

// Room is told to the process in lots of this size; it may be twice as far ahead.
constexpr size_t room_lot = 32 << 10;
constexpr size_t message_cost = 64; // as in the runner

struct topics {
  hub::shared_bytes input{"job.input"}, input_end{"job.input.end"}, room{"job.room"},
      cancel{"job.cancel"};
};

const topics& topic() {
  static const topics made;
  return made;
}

hub::payload text_or_binary(std::string_view bytes) {
  return hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes);
}

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// What a job may want to know of the request it was called by. Repeated headers are joined.
nlohmann::json describe(const relay::http_request& request) {
  auto headers = nlohmann::json::object();
  for (const auto& [name, value] : request.headers) {
    auto& said = headers[lower(name)];
    const bool is_cookie = lower(name) == "cookie";
    said = said.is_string() ? said.get<std::string>() + (is_cookie ? "; " : ", ") + value : value;
  }
  return {{"method", request.method}, {"path", request.path},       {"query", request.query},
          {"host", request.host},     {"remote_addr", request.remote_addr},
          {"headers", std::move(headers)}};
}

class lua_job final : public pow::job_code {
 public:
  lua_job(lua::lua_runtime& runtime, hub::process_host& where,
          std::shared_ptr<const lua_job_plan> plan, pow::job_request request)
      : runtime_(runtime), where_(where), plan_(std::move(plan)), request_(std::move(request)),
        grace_timer_(this, [](void* self) { static_cast<lua_job*>(self)->end_process(); }) {}

  ~lua_job() override { end_process(); }

  void start(pow::job_io& io) override {
    io_ = &io;
    std::vector<hub::payload> arguments{hub::payload::text(to_string(io.id())),
                                        hub::payload::text(plan_->method),
                                        text_or_binary(request_.name)};
    arguments.push_back(request_.arguments ? hub::payload::json(dump(*request_.arguments))
                                           : hub::payload());
    arguments.push_back(request_.http ? hub::payload::json(dump(describe(*request_.http)))
                                      : hub::payload());
    request_ = {};
    auto spawned = runtime_.spawn(plan_->runner, where_, std::move(arguments));
    if (!spawned) {
      io.refuse(spawned.error);
      return;
    }
    process_ = std::move(spawned.process);
    io.watch(process_.actor);
  }

  void on_input(std::string_view piece) override { tell(topic().input, text_or_binary(piece)); }
  void on_input_end() override { tell(topic().input_end, {}); }

  void on_cancel(const std::string& cause) override {
    tell(topic().cancel, text_or_binary(cause));
    if (process_)
      caf::anon_send(caf::actor_cast<caf::actor>(process_.actor),
                     hub::cancel_signal{io_->id(), cause});
  }

  void on_terminate() override { io_->thread().set_timer(grace_timer_, plan_->grace); }

  void on_writable() override { give_room(); }

  bool on_message(const hub::message_ptr& what) override {
    if (!process_ || what->from() != process_.self->id())
      return false;
    const auto name = what->topic();
    const auto bytes =
        what->payloads().empty() ? std::string_view() : what->payloads().front().bytes();
    if (name == "job.read") {
      io_->read();
    } else if (name == "job.write") {
      taken_ += bytes.size() + message_cost;
      if (io_->write(bytes) && taken_ >= room_lot)
        give_room();
    } else if (name == "job.write_error") {
      taken_ += bytes.size() + message_cost;
      io_->write_error(bytes);
      if (taken_ >= room_lot)
        give_room();
    } else if (name == "job.finish") {
      end_ = {pow::job_end::kind::value, pow::json_document(bytes).value_or("")};
    } else if (name == "job.fail") {
      end_ = {pow::job_end::kind::error, std::string(bytes)};
    } else {
      return false;
    }
    return true;
  }

  // The end of the process is the end of the job: nothing of it runs on behind a result.
  void on_down(const caf::actor_addr& who) override {
    if (!process_ || who != process_.actor->address())
      return;
    const auto gone = std::exchange(process_, {});
    grace_timer_.cancel();
    const auto& result = gone.self->result();
    if (end_ && end_->what == pow::job_end::kind::value)
      io_->finish_text(std::move(end_->text));
    else if (end_)
      io_->fail(std::move(end_->text));
    else if (was_ended_ && io_->is_cancelled())
      io_->fail(io_->cause());
    else
      io_->fail(result.error.empty() ? "ended without a result" : result.error);
  }

 private:
  void tell(const hub::shared_bytes& name, hub::payload value) {
    if (!process_)
      return;
    const auto message = hub::make_message(io_->id(), name, std::move(value));
    if (process_.self->deliver(message) != hub::send_result::mailbox_full)
      return;
    // Others have flooded it. Input or a signal would be missing: better no job than a wrong one.
    end_process();
    io_->fail("the mailbox of the job is full");
  }

  void give_room() {
    if (taken_ > 0)
      tell(topic().room, hub::payload::json(std::to_string(std::exchange(taken_, 0))));
  }

  // Not `kill`: CAF passes that on to linked processes, past those that trap links.
  void end_process() {
    was_ended_ = true;
    if (process_)
      caf::anon_send_exit(caf::actor_cast<caf::actor>(process_.actor),
                          caf::exit_reason::user_shutdown);
  }

  lua::lua_runtime& runtime_;
  hub::process_host& where_;
  std::shared_ptr<const lua_job_plan> plan_;
  pow::job_request request_; // until it has started
  pow::job_io* io_ = nullptr;
  hub::process_ref process_;
  size_t taken_ = 0; // bytes written that the process was not given room for again
  std::optional<pow::job_end> end_;
  bool was_ended_ = false;
  relay::timer_wheel::timer grace_timer_;
};

} // namespace

std::shared_ptr<pow::job_source> lua_job_source(lua::lua_runtime& runtime, hub::process_host& where,
                                                lua_job_plan plan) {
  auto shared = std::make_shared<const lua_job_plan>(std::move(plan));
  return pow::make_source(
      [&runtime, &where, shared](const pow::job_request& request) -> pow::made_job {
        return std::make_unique<lua_job>(runtime, where, shared, request);
      });
}

} // namespace natterjack::runtime
