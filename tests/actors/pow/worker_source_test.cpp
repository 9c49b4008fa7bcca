#include "actors/pow/worker_source.hpp"

#include "tests/actors/pow/pow_fixture.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::pow;

namespace {

// A process that does what the test says.
class worker final : public caf::event_based_actor, public hub::process {
 public:
  worker(caf::actor_config& config, hub::node& home, hub::pid job)
      : caf::event_based_actor(config), process(home, home.host("app:workers")), job_(job) {
    enter(ctrl());
  }
  hub::send_result deliver(hub::message_ptr what) noexcept override {
    std::lock_guard guard(mutex_);
    received_.push_back(std::string(what->topic()) +
                        (what->payloads().empty() || what->payloads().front().bytes().empty()
                             ? ""
                             : "=" + std::string(what->payloads().front().bytes())));
    return hub::send_result::sent;
  }
  caf::behavior make_behavior() override {
    return {[this](const hub::cancel_signal& cancel) {
              std::lock_guard guard(mutex_);
              received_.push_back("cancel=" + cancel.reason);
            },
            [this](const std::string& value, const std::string& error) {
              if (!value.empty())
                result_.value = hub::payload::json(value);
              result_.error = error;
              quit();
            }};
  }
  void on_exit() override { process::leave(); }

  void say(const char* topic, hub::payload value = {}) {
    home().send(job_, hub::make_message(process::id(), hub::shared_bytes(topic), std::move(value)));
  }
  std::vector<std::string> received() {
    std::lock_guard guard(mutex_);
    return received_;
  }

 private:
  hub::pid job_;
  std::mutex mutex_;
  std::vector<std::string> received_;
};

struct worker_fixture : pow_fixture {
  hub::process_ref started;

  worker_fixture() {
    start(worker_source([this](const job_request&, const hub::pid& job) {
      auto actor = caf::actor_cast<caf::strong_actor_ptr>(
          system.spawn<worker>(std::ref(home), job));
      started = {actor, static_cast<worker*>(actor->get())};
      return started_worker{started, ""};
    }));
  }
  ~worker_fixture() { caf::anon_send_exit(started.actor, caf::exit_reason::kill); }
  worker& it() { return *static_cast<worker*>(started.self); }
  bool hears(const std::vector<std::string>& expected) {
    return wait_until([&] { return it().received() == expected; });
  }
  void end(const std::string& value, const std::string& error) {
    caf::anon_send(caf::actor_cast<caf::actor>(started.actor), value, error);
  }
};

} // namespace

TEST_CASE_METHOD(worker_fixture, "input comes when the worker asks for it", "[pow][worker]") {
  input("one");
  input("two");
  it().say("pow.read");
  CHECK(hears({"pow.input=one"}));
  it().say("pow.read");
  CHECK(hears({"pow.input=one", "pow.input=two"}));
  close();
  on_thread([] {});
  CHECK(it().received().size() == 2);
  it().say("pow.read");
  CHECK(hears({"pow.input=one", "pow.input=two", "pow.input_end"}));
}

TEST_CASE_METHOD(worker_fixture, "an end that comes while the worker waits is told", "[pow][worker]") {
  it().say("pow.read");
  on_thread([] {});
  close();
  CHECK(hears({"pow.input_end"}));
}

TEST_CASE_METHOD(worker_fixture, "output is answered when the client keeps up", "[pow][worker]") {
  it().say("pow.output", hub::payload::text("a"));
  CHECK(front->wait_for_output("a"));
  CHECK(hears({"pow.written"}));
  front->is_slow = true;
  it().say("pow.output", hub::payload::text("b"));
  CHECK(front->wait_for_output("ab"));
  on_thread([] {});
  CHECK(it().received().size() == 1);
  on_thread([this] { target.self->output_has_room(); });
  CHECK(hears({"pow.written", "pow.written"}));
}

TEST_CASE_METHOD(worker_fixture, "what the worker returns is the value", "[pow][worker]") {
  end(R"({"b":1,"a":"<"})", "");
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":{"a":"\u003c","b":1}})");
}

TEST_CASE_METHOD(worker_fixture, "a worker that returns nothing gives null", "[pow][worker]") {
  end("", "");
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":null})");
}

TEST_CASE_METHOD(worker_fixture, "the error a worker ends with is the reason", "[pow][worker]") {
  end("", "it broke");
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: it broke"})");
}

TEST_CASE_METHOD(worker_fixture, "a worker may end its job before itself", "[pow][worker]") {
  it().say("pow.result", hub::payload::text("done"));
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":"done"})");
}

TEST_CASE_METHOD(worker_fixture, "cancel tells the cause, the second asks to end", "[pow][worker]") {
  cancel("asked to");
  CHECK(hears({"pow.cancel=asked to"}));
  terminate("told to");
  CHECK(hears({"pow.cancel=asked to", "cancel=asked to"}));
}

TEST_CASE_METHOD(worker_fixture, "a worker ends with its job", "[pow][worker]") {
  caf::anon_send_exit(target.actor, caf::exit_reason::kill);
  CHECK(wait_until([this] { return !home.processes().find(started.self->id().number()); }));
}

TEST_CASE_METHOD(worker_fixture, "only the worker speaks for the job", "[pow][worker]") {
  send("pow.output", hub::payload::text("forged"));
  send("pow.result", hub::payload::text("forged"));
  on_thread([] {});
  CHECK(front->output().empty());
  CHECK_FALSE(front->has_ended());
}

TEST_CASE_METHOD(pow_fixture, "a worker that cannot be started is a refusal", "[pow][worker]") {
  start(worker_source([](const job_request&, const hub::pid&) {
    return started_worker{{}, "no such function"};
  }));
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"failed to get process: no such function"})");
}
