#include "actors/pow/exec_source.hpp"

#include "tests/actors/pow/pow_fixture.hpp"
#include "tests/catch.hpp"

#include <unistd.h>

using namespace natterjack;
using namespace natterjack::pow;
using namespace std::chrono_literals;
using texts = std::vector<std::string>;

namespace {

exec_options shell(const std::string& script) {
  exec_options options;
  options.name = "test";
  options.argv = {"sh", "-c", script};
  return options;
}

const std::string done = R"({"status":"fulfilled","value":{"exit_code":0}})";

std::string failed(const std::string& reason) {
  return R"({"status":"rejected","reason":"process returned error: )" + reason + "\"}";
}

bool says(const std::string& text, const char* part) { return text.find(part) != std::string::npos; }

bool is_refused(exec_options options, const texts& arguments) {
  job_request request;
  request.arguments = arguments;
  return std::holds_alternative<job_refusal>(exec_source(std::move(options))->make(request));
}

} // namespace

TEST_CASE("command lines are split into words", "[pow][exec]") {
  std::string why;
  CHECK(split_words("a  b\tc", why) == texts{"a", "b", "c"});
  CHECK(split_words(R"(a 'b c' "d e" f\ g '' h"i"'j')", why) ==
        texts{"a", "b c", "d e", "f g", "", "hij"});
  CHECK(split_words(R"("a\"b" "a\n" 'a\b')", why) == texts{"a\"b", "a\\n", "a\\b"});
  CHECK(split_words("$HOME *", why) == texts{"$HOME", "*"});
  for (const char* wrong : {"", "  ", "'a", "\"a", "a\\"}) {
    why.clear();
    CHECK_FALSE(split_words(wrong, why));
    CHECK_FALSE(why.empty());
  }
}

TEST_CASE("a broken command is refused when it is declared", "[pow][exec]") {
  auto message = [](exec_options options) {
    options.name = "job";
    try {
      exec_source(std::move(options));
    } catch (const std::invalid_argument& e) {
      return std::string(e.what());
    }
    return std::string();
  };
  auto with = [](auto change) {
    auto options = shell("true");
    change(options);
    return options;
  };
  using o = exec_options&;
  CHECK(says(message(with([](o x) { x.argv.clear(); })), "no program"));
  CHECK(says(message(with([](o x) { x.argv = {"{1}"}; })), "choose the program"));
  CHECK(says(message(with([](o x) { x.argv = {"cat", "a{1}"}; })), "whole word"));
  CHECK(says(message(with([](o x) { x.argv = {"no-such-program"}; })), "PATH"));
  CHECK(says(message(with([](o x) { x.argv = {"/etc/passwd"}; })), "executable"));
  CHECK(says(message(with([](o x) { x.directory = "/no/such"; })), "directory"));
  CHECK(says(message(with([](o x) { x.user = "nosuchuser"; })), "no user"));
  CHECK(says(message(with([](o x) { x.argument_patterns = {"["}; })), "pattern"));
  CHECK(says(message(with([](o x) { x.arguments_max = 0; x.argv = {"echo", "{2}"}; })), "arguments_max"));
  CHECK(says(message(with([](o x) { x.arguments_min = 1; x.argv = {"echo", "{2}"}; })), "arguments_min"));
  CHECK(message(shell("true")).empty());
}

TEST_CASE("a refusal names the option and what is wrong with it", "[pow][exec]") {
  auto options = shell("true");
  options.name = "job";
  options.argument_patterns = {"fine", "(a)\\1"}; // back-references need time without bound
  try {
    exec_source(options);
    FAIL("it was taken");
  } catch (const exec_option_error& e) {
    CHECK(e.option == "argument_patterns");
    CHECK(e.problem.starts_with("the pattern \"(a)\\1\" is no regular expression"));
    CHECK(std::string(e.what()) == "the command \"job\": argument_patterns: " + e.problem);
  }
}

TEST_CASE("no argument takes a pattern long to match, or ends the process", "[pow][exec]") {
  exec_options options;
  options.argv = {"echo", "{1}"};
  options.argument_bytes = 1 << 20;
  options.argument_patterns = {"[a-z]*"};
  CHECK_FALSE(is_refused(options, {std::string(200'000, 'a')}));
  options.argument_patterns = {"(a+)+b"};
  CHECK(is_refused(options, {std::string(5'000, 'a')}));
}

TEST_CASE("arguments are counted and matched", "[pow][exec]") {
  exec_options options;
  options.argv = {"echo", "{1}", "{*}"};
  CHECK(is_refused(options, {}));
  CHECK_FALSE(is_refused(options, {"a"}));
  CHECK_FALSE(is_refused(options, {"a", "b", "c"}));
  options.arguments_max = 2;
  CHECK(is_refused(options, {"a", "b", "c"}));
  options.argument_patterns = {"[a-z]+", "[0-9]+"};
  CHECK_FALSE(is_refused(options, {"a", "1"}));
  CHECK(is_refused(options, {"a1", "1"})); // the whole argument must match
  CHECK(is_refused(options, {"a", "b"}));
  options.argument_patterns = {"."};
  options.argument_bytes = 0;
  CHECK(is_refused(options, {"a"}));
}

TEST_CASE_METHOD(pow_fixture, "placeholders are whole words in their places", "[pow][exec]") {
  exec_options options;
  options.name = "test";
  options.argv = {"printf", "%s|", "{2}", "x", "{1}", "{*}"};
  start(exec_source(options), texts{"one", "two", "three", "$(four)"});
  CHECK(front->wait_for_end() == done);
  CHECK(front->output() == "two|x|one|three|$(four)|");
}

TEST_CASE_METHOD(pow_fixture, "a command has the directory and environment it is given",
                 "[pow][exec]") {
  auto options = shell("pwd; echo $A$B; env | wc -l");
  options.directory = "/usr";
  options.pass_environment = {};
  options.environment = {{"A", "1"}, {"B", "2"}};
  start(exec_source(options));
  CHECK(front->wait_for_end() == done);
  CHECK(front->output() == "/usr\n12\n3\n"); // A, B and the PWD of the shell
}

TEST_CASE_METHOD(pow_fixture, "limits are set and named when they are broken", "[pow][exec]") {
  SECTION("wall clock") {
    auto options = shell("sleep 60");
    options.wall_clock = 100ms;
    start(exec_source(options));
    CHECK(front->wait_for_end() == failed("wall clock limit of 100ms exceeded"));
  }
  SECTION("cpu time") {
    auto options = shell("while :; do :; done");
    options.cpu_seconds = 1;
    start(exec_source(options));
    CHECK(front->wait_for_end() == failed("cpu time limit of 1s exceeded"));
  }
  SECTION("open files and memory") {
    auto options = shell("ulimit -n; ulimit -v; ulimit -c");
    options.open_files = 17;
    options.memory_bytes = 512 << 20;
    start(exec_source(options));
    CHECK(front->wait_for_end() == done);
    CHECK(front->output() == "17\n524288\n0\n");
  }
}

TEST_CASE_METHOD(pow_fixture, "error output goes where it is wanted", "[pow][exec]") {
  auto options = shell("read go; echo out; echo err >&2");
  auto observer = spawn_fake();
  SECTION("merged") {
    start(exec_source(options));
    input("go\n");
    CHECK(front->wait_for_end() == done);
    CHECK(front->output() == "out\nerr\n");
  }
  SECTION("dropped") {
    options.error_output = error_output::dropped;
    start(exec_source(options));
    input("go\n");
    CHECK(front->wait_for_end() == done);
    CHECK(front->output() == "out\n");
  }
  SECTION("apart") {
    options.error_output = error_output::apart;
    start(exec_source(options));
    send("pow.attach", {}, observer.self->id());
    on_thread([] {});
    input("go\n");
    CHECK(front->wait_for_end() == done);
    CHECK(front->output() == "out\n");
    REQUIRE(wait_until([&] { return received(observer).size() == 3; }));
    std::map<std::string, std::string> heard;
    for (const auto& message : received(observer))
      heard[std::string(message->topic())] = message->payloads().front().bytes();
    CHECK(heard["pow.error_output"] == "err\n");
    CHECK(heard["pow.output"] == "out\n");
  }
  caf::anon_send_exit(observer.actor, caf::exit_reason::kill);
}

TEST_CASE_METHOD(pow_fixture, "cancel can interrupt", "[pow][exec]") {
  auto options = shell("echo up; exec sleep 60");
  options.interrupt_on_cancel = true;
  start(exec_source(options));
  REQUIRE(front->wait_for_output("up\n"));
  cancel("asked to");
  CHECK(front->wait_for_end() == failed("asked to"));
}

TEST_CASE_METHOD(pow_fixture, "the grace time ends with a kill", "[pow][exec]") {
  auto options = shell("trap '' TERM; echo up; while :; do sleep 0.01; done");
  options.grace = 50ms;
  start(exec_source(options));
  REQUIRE(front->wait_for_output("up\n"));
  terminate("told to");
  CHECK(front->wait_for_end() == failed("told to"));
}

TEST_CASE_METHOD(pow_fixture, "a lost client leaves a command less time", "[pow][exec]") {
  auto options = shell("trap '' TERM; echo $$; while :; do sleep 0.01; done");
  options.grace = 1h;
  options.lost_grace = 50ms;
  start(exec_source(options));
  REQUIRE(wait_until([this] { return front->output().ends_with('\n'); }));
  const auto pid = static_cast<pid_t>(std::stoi(front->output()));
  terminate("told to"); // the hour has begun
  on_thread([this] { target.self->lose_client("left"); });
  CHECK(wait_until([pid] { return ::kill(pid, 0) != 0; }));
  CHECK(front->output() == std::to_string(pid) + "\n");
  CHECK_FALSE(front->has_ended()); // it is gone, so it hears nothing
}

TEST_CASE_METHOD(pow_fixture, "a command ends with its job, however that ends", "[pow][exec]") {
  start(exec_source(shell("echo $$; exec sleep 60")));
  REQUIRE(wait_until([this] { return front->output().ends_with('\n'); }));
  const auto pid = static_cast<pid_t>(std::stoi(front->output()));
  CHECK(::kill(pid, 0) == 0);
  caf::anon_send_exit(target.actor, caf::exit_reason::kill);
  CHECK(wait_until([pid] { return ::kill(pid, 0) != 0; })); // reaped, so not even a zombie
}

TEST_CASE_METHOD(pow_fixture, "another user can run a command if we are root", "[pow][exec]") {
  auto options = shell("id -un; id -u");
  options.user = "nobody";
  if (::geteuid() == 0) {
    start(exec_source(options));
    CHECK(front->wait_for_end() == done);
    CHECK(front->output() == "nobody\n65534\n");
  } else {
    CHECK_THROWS_AS(exec_source(options), exec_option_error);
  }
}
