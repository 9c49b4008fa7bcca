#include "actors/pow/service_core.hpp"

#include "tests/actors/pow/pow_fixture.hpp"
#include "tests/catch.hpp"

#include <thread>

using namespace natterjack;
using namespace natterjack::pow;

namespace {

struct core_fixture : relay::io_fixture {
  relay::io_pool pool{system, 1};
  std::shared_ptr<recorder> front = std::make_shared<recorder>();
  std::shared_ptr<service_core> core;
  job_ref target;
  authorization_answer answer;
  std::shared_ptr<const job_request> asked;

  void call(const char* name, bool with_authorization) {
    service_options options;
    options.entry_id = "pow:test";
    options.jobs.add("echo", echo_source());
    options.jobs.add("broken", make_source([](const job_request&) -> made_job {
                       throw std::runtime_error("cannot be made");
                     }));
    if (with_authorization)
      options.authorize = [this](std::shared_ptr<const job_request> request,
                                 authorization_answer given) {
        asked = std::move(request);
        answer = std::move(given);
      };
    core = std::make_shared<service_core>(home, pool, std::move(options));
    on_thread([this, name] {
      target = core->make_job(thread, front);
      auto request = std::make_shared<job_request>();
      request->name = name;
      core->start_job(target, std::move(request));
    });
  }
  ~core_fixture() {
    if (target)
      caf::anon_send_exit(target.actor, caf::exit_reason::kill);
    pow_fixture::wait_until([this] { return core->places.size() == 0; });
    target = {};
    thread.stop();
  }
  // From a thread of its own, as a Lua function would.
  void answer_with(std::optional<std::string> refusal) {
    std::thread([this, refusal] { answer(refusal); }).join();
  }
};

} // namespace

TEST_CASE_METHOD(core_fixture, "a name leads to its source", "[pow][service]") {
  call("echo", false);
  on_thread([this] { target.self->close_input(); });
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":null})");
}

TEST_CASE_METHOD(core_fixture, "a name nobody has is refused", "[pow][service]") {
  call("other", false);
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"failed to get process: unknown process"})");
}

TEST_CASE_METHOD(core_fixture, "a source that throws is a panic", "[pow][service]") {
  call("broken", false);
  CHECK(front->wait_for_end() == R"({"status":"rejected","reason":"unknown error: cannot be made"})");
}

TEST_CASE_METHOD(core_fixture, "authorization is asked first, and may take its time",
                 "[pow][service]") {
  call("echo", true);
  CHECK(asked->name == "echo");
  on_thread([this] {
    target.self->push_input("early");
    target.self->cancel("meanwhile");
    target.self->close_input();
  });
  CHECK(front->output().empty());
  answer_with(std::nullopt);
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: meanwhile"})");
  CHECK(front->output() == "early");
}

TEST_CASE_METHOD(core_fixture, "a refusal is the reason the client is given", "[pow][service]") {
  call("echo", true);
  answer_with(std::string(not_authorized));
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"failed to get process: authorization denied"})");
  answer_with(std::nullopt); // a second answer changes nothing
}

TEST_CASE_METHOD(core_fixture, "an answer for a client that has gone is dropped", "[pow][service]") {
  call("echo", true);
  on_thread([this] { target.self->abandon("gone"); });
  caf::anon_send_exit(target.actor, caf::exit_reason::kill);
  REQUIRE(pow_fixture::wait_until([this] { return core->places.size() == 0; }));
  answer_with(std::nullopt);
  CHECK_FALSE(front->has_ended());
}

TEST_CASE_METHOD(core_fixture, "jobs are bounded", "[pow][service]") {
  call("echo", false);
  service_options options;
  options.entry_id = "pow:small";
  options.limits.jobs = 0;
  auto small = std::make_shared<service_core>(home, pool, std::move(options));
  on_thread([&] { CHECK_FALSE(small->make_job(thread, front)); });
}
