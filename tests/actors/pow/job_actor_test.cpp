#include "actors/pow/job_actor.hpp"

#include "tests/actors/pow/pow_fixture.hpp"
#include "tests/catch.hpp"

#include <caf/scoped_actor.hpp>

#include <nlohmann/json.hpp>

using namespace natterjack;
using namespace natterjack::pow;
using namespace std::chrono_literals;

namespace {

const std::string cancelled = R"({"status":"rejected","reason":"process returned error: asked to"})";

// Reads nothing and ends when it is told to by a message.
class deaf final : public job_code {
 public:
  void start(job_io& io) override { io_ = &io; }
  void on_input(std::string_view) override {}
  void on_input_end() override {}
  bool on_message(const hub::message_ptr& what) override {
    if (what->topic() == "throw")
      throw std::runtime_error("thrown");
    if (what->topic() == "read")
      io_->read();
    else if (what->topic() == "twice") {
      io_->finish(1);
      io_->fail("late");
      io_->write("later");
    } else
      return false;
    return true;
  }

 private:
  job_io* io_ = nullptr;
};

std::shared_ptr<job_source> deaf_source() {
  return make_source([](const job_request&) -> made_job { return std::make_unique<deaf>(); });
}

} // namespace

TEST_CASE_METHOD(pow_fixture, "echo gives back what it reads, then its arguments", "[pow][job]") {
  start(echo_source(), std::vector<std::string>{"a", "<"});
  input("one");
  input("");
  input("two");
  CHECK(front->wait_for_output("onetwo"));
  close();
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":["a","\u003c"]})");
}

TEST_CASE_METHOD(pow_fixture, "without a list of arguments the value is null", "[pow][job]") {
  start(echo_source());
  close();
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":null})");
}

TEST_CASE_METHOD(pow_fixture, "a cancelled echo goes on, and ends with the first cause", "[pow][job]") {
  start(echo_source());
  cancel("asked to");
  cancel("another");
  input("still");
  CHECK(front->wait_for_output("still"));
  CHECK_FALSE(front->has_ended());
  terminate("a third");
  CHECK(front->wait_for_end() == cancelled);
}

TEST_CASE_METHOD(pow_fixture, "input waits in order for code that does not read", "[pow][job]") {
  start(deaf_source(), std::nullopt, {1000, 10s});
  on_thread([this] {
    CHECK(target.self->has_input_room());
    target.self->push_input(std::string(2000, 'x'));
    CHECK_FALSE(target.self->has_input_room());
  });
  CHECK(front->rooms == 0);
  send("read");
  CHECK(wait_until([this] { return front->rooms == 1; }));
}

TEST_CASE_METHOD(pow_fixture, "every piece of input is answered for once", "[pow][job]") {
  start(deaf_source());
  std::vector<bool> answers;
  on_thread([&] {
    auto note = [&answers](bool was_read) { answers.push_back(was_read); };
    target.self->push_input("", note); // nothing to read
    target.self->push_input("read", note);
    target.self->push_input("unread", note);
    target.self->read();
  });
  on_thread([&] { target.self->finish(nullptr); });
  on_thread([&] {
    auto note = [&answers](bool was_read) { answers.push_back(was_read); };
    target.self->push_input("late", note);
    target.self->push_input("", note);
  });
  CHECK(answers == std::vector<bool>{true, true, false, false, true});
}

TEST_CASE_METHOD(pow_fixture, "a slow client stops the code until it has room", "[pow][job]") {
  start(echo_source());
  front->is_slow = true;
  input("a");
  input("b");
  CHECK(front->wait_for_output("a"));
  front->is_slow = false;
  on_thread([this] { CHECK(front->output() == "a"); });
  on_thread([this] { target.self->output_has_room(); });
  CHECK(front->wait_for_output("ab"));
}

TEST_CASE_METHOD(pow_fixture, "there is one end, whatever comes behind it", "[pow][job]") {
  start(deaf_source());
  send("twice");
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":1})");
  CHECK(wait_until([this] { return places.size() == 0; }));
  CHECK(front->output().empty());
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":1})");
}

TEST_CASE_METHOD(pow_fixture, "what code throws is its end", "[pow][job]") {
  start(deaf_source());
  send("throw");
  CHECK(front->wait_for_end() == R"({"status":"rejected","reason":"unknown error: thrown"})");
}

TEST_CASE_METHOD(pow_fixture, "a refusal says that there is no process", "[pow][job]") {
  start(make_source([](const job_request&) -> made_job {
    return job_refusal{std::string(invalid_arguments)};
  }));
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"failed to get process: invalid args"})");
}

TEST_CASE_METHOD(pow_fixture, "a killed job still gives its client a result", "[pow][job]") {
  start(deaf_source());
  caf::anon_send_exit(target.actor, caf::exit_reason::kill);
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: process was terminated"})");
  CHECK(wait_until([this] { return home.processes().size() == 0; }));
}

TEST_CASE_METHOD(pow_fixture, "code that does not stop is stopped", "[pow][job]") {
  start(deaf_source(), std::nullopt, {1000, 50ms});
  on_thread([this] { target.self->abandon("gone"); });
  CHECK(wait_until([this] { return places.size() == 0; }));
  CHECK_FALSE(front->has_ended()); // nobody was there to be told
}

TEST_CASE_METHOD(pow_fixture, "processes use a job by its PID", "[pow][job]") {
  start(echo_source(), std::vector<std::string>{"v"});
  auto observer = spawn_fake();
  const auto pid = target.self->id();
  send("pow.input", hub::payload::text("before "));
  CHECK(front->wait_for_output("before "));
  send("pow.attach", {}, observer.self->id());
  send("pow.input", hub::payload::text("after"));
  send("pow.close");
  CHECK(front->wait_for_end() == R"({"status":"fulfilled","value":["v"]})");
  REQUIRE(wait_until([&] { return received(observer).size() == 2; }));
  const auto heard = received(observer);
  CHECK(heard[0]->topic() == "pow.output");
  CHECK(heard[0]->payloads().front().bytes() == "after");
  CHECK(heard[0]->from() == pid);
  CHECK(heard[1]->topic() == "pow.end");
  CHECK(heard[1]->payloads().front().bytes() == R"({"status":"fulfilled","value":["v"]})");
  caf::anon_send_exit(observer.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "an observer may be named by another, and may leave", "[pow][job]") {
  start(echo_source());
  auto observer = spawn_fake();
  const auto name = hub::payload::text(to_string(observer.self->id()));
  send("pow.attach", name);
  send("pow.attach", name); // once is enough
  send("pow.input", hub::payload::text("1"));
  REQUIRE(front->wait_for_output("1"));
  send("pow.detach", name);
  send("pow.input", hub::payload::text("2"));
  REQUIRE(front->wait_for_output("12"));
  CHECK(received(observer).size() == 1);
  caf::anon_send_exit(observer.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "observers get text, whatever the job writes", "[pow][job]") {
  start(echo_source());
  auto observer = spawn_fake();
  send("pow.attach", {}, observer.self->id());
  send("pow.input", hub::payload::binary("\xc3"));
  send("pow.input", hub::payload::binary("\xa4\xff"));
  send("pow.close");
  REQUIRE(wait_until([&] { return received(observer).size() == 2; }));
  CHECK(received(observer)[0]->payloads().front().bytes() == "ä\ufffd");
  caf::anon_send_exit(observer.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "who attaches behind the end still hears of it", "[pow][job]") {
  start(deaf_source());
  auto observer = spawn_fake();
  on_thread([&] { // the message is handled when the job has ended, and its actor has not
    send("pow.attach", {}, observer.self->id());
    target.self->fail("why");
  });
  REQUIRE(wait_until([&] { return received(observer).size() == 1; }));
  CHECK(received(observer)[0]->topic() == "pow.end");
  CHECK(received(observer)[0]->payloads().front().bytes() ==
        R"({"status":"rejected","reason":"why"})");
  caf::anon_send_exit(observer.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "input can be taken back until it is read", "[pow][job]") {
  start(deaf_source(), std::nullopt, {1000, 10s});
  int told = 0;
  on_thread([&] {
    target.self->push_input("stays");
    target.self->push_input(std::string(2000, 'x'), [&told](bool) { ++told; });
    CHECK_FALSE(target.self->has_input_room());
    target.self->take_back_input();
    CHECK(target.self->has_input_room());
  });
  terminate();
  on_thread([this] { target.self->fail("over"); });
  CHECK(front->wait_for_end() != "no end");
  CHECK(told == 0);
}

TEST_CASE_METHOD(pow_fixture, "monitors hear how a job ended", "[pow][job]") {
  caf::scoped_actor watcher{system};
  SECTION("with a value") {
    start(echo_source());
    watcher->monitor(caf::actor_cast<caf::actor>(target.actor));
    close();
    watcher->receive([](const caf::down_msg& down) { CHECK_FALSE(down.reason); });
    CHECK(target.self->result().value.bytes() == "null");
  }
  SECTION("with an error") {
    start(echo_source());
    watcher->monitor(caf::actor_cast<caf::actor>(target.actor));
    terminate("told to");
    watcher->receive([](const caf::down_msg& down) { CHECK(down.reason); });
    CHECK(target.self->result().error == "told to");
  }
}

TEST_CASE_METHOD(pow_fixture, "a job can be cancelled as any process", "[pow][job]") {
  start(echo_source());
  caf::anon_send(caf::actor_cast<caf::actor>(target.actor), hub::cancel_signal{{}, "enough"});
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: enough"})");
}

TEST_CASE_METHOD(pow_fixture, "the end of a linked process ends the job", "[pow][job]") {
  start(echo_source());
  auto other = spawn_fake();
  caf::anon_send_exit(target.actor, caf::exit_reason::user_shutdown);
  CHECK(front->wait_for_end() ==
        R"({"status":"rejected","reason":"process returned error: terminated by another process"})");
  caf::anon_send_exit(other.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "credit comes back when the job has read", "[pow][job]") {
  struct source final : hub::credit_source {
    std::atomic<size_t> back{0};
    void give_back(size_t bytes) noexcept override { back += bytes; }
  };
  auto credits = caf::make_counted<source>();
  start(deaf_source());
  target.self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("pow.input"),
                                         hub::payload::text("abc"), hub::credit(credits, 3)));
  on_thread([] {});
  CHECK(credits->back == 0);
  send("read");
  CHECK(wait_until([&] { return credits->back == 3; }));
}

TEST_CASE_METHOD(pow_fixture, "processes cannot fill a job that does not read", "[pow][job]") {
  start(deaf_source(), std::nullopt, {1000, 10s});
  const auto give = [this](size_t size) {
    return target.self->deliver(hub::make_message(
        hub::pid{}, hub::shared_bytes("pow.input"), hub::payload::text(std::string(size, 'x'))));
  };
  CHECK(give(600) == hub::send_result::sent);
  CHECK(give(600) == hub::send_result::sent);
  CHECK(give(1) == hub::send_result::mailbox_full);
  send("pow.cancel", hub::payload::text("signals are no input"));
  send("read");
  CHECK(wait_until([&] { return give(1) == hub::send_result::sent; }));
  on_thread([this] { CHECK(target.self->is_cancelled()); });
  close();
  CHECK(wait_until([&] { return give(3000) == hub::send_result::sent; })); // dropped: nothing waits
}

TEST_CASE("results stand on the wire as clients know them", "[pow][job]") {
  using kind = job_end::kind;
  CHECK(result_document({kind::value, "1"}, true) == R"({"status":"fulfilled","value":1})");
  CHECK(result_document({kind::value, ""}, true) == R"({"status":"fulfilled"})");
  CHECK(result_document({kind::error, "<E>"}, true) ==
        R"({"status":"rejected","reason":"process returned error: \u003cE\u003e"})");
  CHECK(result_document({kind::error, ""}, true) ==
        R"({"status":"rejected","reason":"process returned error: "})");
  CHECK(result_document({kind::error, ""}, false) == R"({"status":"rejected","reason":""})");
  CHECK(result_document({kind::refused, "E"}, false) ==
        R"({"status":"rejected","reason":"failed to get process: E"})");
  CHECK(result_document({kind::panicked, "V"}, false) ==
        R"({"status":"rejected","reason":"unknown error: V"})");
}
