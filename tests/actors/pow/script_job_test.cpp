#include "actors/pow/script_job.hpp"

#include "tests/actors/pow/pow_fixture.hpp"
#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::pow;
using namespace std::chrono_literals;

namespace {

script sum(script_io io, job_request request) {
  int total = 0;
  while (auto piece = co_await io.read())
    total += std::stoi(*piece);
  co_return nlohmann::json{{"total", total}, {"of", request.count()}};
}

script copy(script_io io, job_request) {
  while (auto piece = co_await io.read())
    co_await io.write(*piece);
  if (io.is_cancelled())
    throw job_error(io.cause());
  co_return "copied";
}

script count_down(script_io io, job_request) {
  for (int i = 3; i > 0; --i) {
    co_await io.write(std::to_string(i));
    if (!co_await io.sleep(1ms))
      throw job_error("stopped at " + std::to_string(i) + ": " + io.cause());
  }
  co_return nullptr;
}

script sleeper(script_io io, job_request) {
  co_await io.write("asleep");
  const bool slept = co_await io.sleep(1h);
  if (!slept)
    throw job_error("woken: " + io.cause());
  co_return nullptr;
}

script thrower(script_io io, job_request) {
  co_await io.sleep(1ms);
  throw std::runtime_error("a bug");
  co_return nullptr;
}

} // namespace

TEST_CASE_METHOD(pow_fixture, "a script reads to the end and returns a value", "[pow][script]") {
  start(script_source(sum), std::vector<std::string>{"x"});
  input("1");
  input("20");
  close();
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":{"of":1,"total":21}})");
}

TEST_CASE_METHOD(pow_fixture, "a script waits for a slow client", "[pow][script]") {
  start(script_source(copy));
  front->is_slow = true;
  input("a");
  input("b");
  on_thread([this] { CHECK(front->output() == "a"); });
  front->is_slow = false;
  on_thread([this] { target.self->output_has_room(); });
  CHECK(front->wait_for_output("ab"));
  close();
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":"copied"})");
}

TEST_CASE_METHOD(pow_fixture, "a thrown job_error is the reason", "[pow][script]") {
  start(script_source(copy));
  terminate("told to");
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: told to"})");
}

TEST_CASE_METHOD(pow_fixture, "a script sleeps", "[pow][script]") {
  start(script_source(count_down));
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":null})");
  CHECK(front->output() == "321");
}

TEST_CASE_METHOD(pow_fixture, "cancel wakes a sleeper", "[pow][script]") {
  start(script_source(sleeper));
  REQUIRE(front->wait_for_output("asleep"));
  cancel("asked to");
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: woken: asked to"})");
}

TEST_CASE_METHOD(pow_fixture, "any other exception is a panic", "[pow][script]") {
  start(script_source(thrower));
  CHECK(front->wait_for_end() == R"({"status":"rejected","reason":"unknown error: a bug"})");
}

TEST_CASE_METHOD(pow_fixture, "a killed script is destroyed where it waits", "[pow][script]") {
  struct guard {
    std::atomic<bool>& flag;
    ~guard() { flag = true; }
  };
  std::atomic<bool> destroyed{false};
  auto waiting = [&destroyed](script_io io, job_request) -> script {
    guard g{destroyed};
    co_await io.read();
    co_return 1;
  };
  start(script_source(waiting));
  caf::anon_send_exit(target.actor, caf::exit_reason::kill);
  CHECK(wait_until([&destroyed] { return destroyed.load(); }));
}
