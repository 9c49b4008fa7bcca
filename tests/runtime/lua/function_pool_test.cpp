#include "runtime/lua/function_pool.hpp"

#include "lua_world.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <atomic>
#include <future>

using namespace test;
using namespace std::chrono_literals;
using natterjack::relay::http_request;
using natterjack::relay::http_response;
using nlohmann::json;

namespace {

struct pool_world : world {
  using world::world;

  std::shared_ptr<lua::function_pool> pool(const std::string& body,
                                           lua::pool_options options = {}) {
    const auto id = "app:f" + std::to_string(++functions_);
    auto program = add(id,
                       "local http = require('http')\nfunction handler(...)\n" + body +
                           "\nend\nreturn {handler = handler}",
                       "handler");
    return pools_.emplace_back(
        lua::function_pool::make(*runtime, program, node->host("app:functions"), options));
  }

  static std::future<http_response> start(lua::function_pool& pool, const std::string& path = "/") {
    auto answered = std::make_shared<std::promise<http_response>>();
    auto request = std::make_shared<http_request>();
    request->method = "GET";
    request->path = path;
    pool.call_http(request, [answered](http_response r) { answered->set_value(std::move(r)); });
    return answered->get_future();
  }

  static http_response wait(std::future<http_response>& answer) {
    if (answer.wait_for(20s) != std::future_status::ready)
      FAIL("no answer");
    return answer.get();
  }

  http_response ask(const std::string& body) {
    auto made = pool(body);
    auto answer = start(*made);
    return wait(answer);
  }

  ~pool_world() {
    for (auto& one : pools_)
      one->stop();
  }

 private:
  int functions_ = 0;
  std::vector<std::shared_ptr<lua::function_pool>> pools_;
};

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

} // namespace

SCENARIO("a function answers requests", "[lua][function]") {
  pool_world w;
  THEN("with what it wrote") {
    auto r = w.ask("local res = http.response() res:set_status(201) res:write_json({a = 1})");
    CHECK(r.status == 201);
    CHECK(json::parse(r.body) == json{{"a", 1}});
    CHECK(contains(std::string(r.header("Content-Type")), "application/json"));
  }
  THEN("with an empty 200 if it set a header only") {
    auto r = w.ask("http.response():set_header('X-WS-Relay', '{}')");
    CHECK(r.status == 200);
    CHECK(r.body.empty());
    CHECK(r.header("X-WS-Relay") == "{}");
  }
  THEN("with 500 and an error id that is in the log if it raises, whatever it had set") {
    auto r = w.ask("http.response():set_header('X-WS-Relay', '{}') error('secret detail')");
    CHECK(r.status == 500);
    CHECK(r.header("X-WS-Relay").empty());
    auto body = json::parse(r.body);
    CHECK(body["error"] == "internal error");
    CHECK_FALSE(contains(r.body, "secret"));
    CHECK(contains(w.logged(), body["id"].get<std::string>()));
    CHECK(contains(w.logged(), "secret detail"));
    CHECK(contains(w.logged(), "(f1.lua):3: in"));
  }
  THEN("with 500 if it returns nil and an error") {
    CHECK(w.ask("return nil, 'no database'").status == 500);
    CHECK(contains(w.logged(), "no database"));
  }
  THEN("with 500 'no response sent' if it did nothing") {
    auto r = w.ask("");
    CHECK(r.status == 500);
    CHECK(json::parse(r.body)["error"] == "no response sent");
  }
  THEN("with its return value if it wrote nothing else") {
    auto r = w.ask("return {x = 2}");
    CHECK(r.status == 200);
    CHECK(json::parse(r.body) == json{{"x", 2}});
  }
  THEN("it is a process: it has a PID, can wait and use others") {
    w.add("app:adds", "function run(a, b) return a + b end return {run = run}");
    auto r = w.ask("local time = require('time') time.sleep('5ms') "
                   "return {pid = process.pid(), id = process.id(), "
                   "sum = process.exec('app:adds', 'app:processes', 2, 3)}");
    auto body = json::parse(r.body);
    CHECK(contains(body["pid"], "{test@app:functions|0x"));
    CHECK(body["id"] == "app:f1");
    CHECK(body["sum"] == 5);
  }
  THEN("outside of a request there is none") {
    CHECK(contains(w.run("return select(2, require('http').request()):message()"), "request"));
  }
}

SCENARIO("states are pooled", "[lua][function]") {
  pool_world w;
  THEN("one after the other uses one state, which keeps its globals") {
    auto pool = w.pool("count = (count or 0) + 1 return {n = count}");
    for (int i = 1; i <= 3; ++i) {
      auto answer = pool_world::start(*pool);
      CHECK(json::parse(pool_world::wait(answer).body)["n"] == i);
    }
    CHECK(pool->workers() == 1);
  }
  THEN("an error does not cost the state") {
    auto pool =
        w.pool("count = (count or 0) + 1 if count == 1 then error('x') end return {n = count}");
    auto first = pool_world::start(*pool);
    CHECK(pool_world::wait(first).status == 500);
    auto second = pool_world::start(*pool);
    CHECK(json::parse(pool_world::wait(second).body)["n"] == 2);
  }
  THEN("what a call leaves running goes on behind its answer, where no other call sees it") {
    auto pool = w.pool("if http.request():path() == '/leaves' then "
                       "mine = true "
                       "coroutine.spawn(function() coroutine.spawn(function() "
                       "process.registry.register('goes.on') "
                       "process.inbox():receive() print('went on') end) end) end "
                       "return {mine = mine or false}");
    auto first = pool_world::start(*pool, "/leaves");
    CHECK(json::parse(pool_world::wait(first).body)["mine"] == true);
    REQUIRE(w.wait_until([&w] { return w.node->names().lookup("goes.on").has_value(); }));
    auto second = pool_world::start(*pool);
    CHECK(json::parse(pool_world::wait(second).body)["mine"] == false);
    CHECK(pool->workers() == 2);
    w.run("process.send('goes.on', 'go')");
    CHECK(w.wait_until([&w] { return contains(w.printed(), "went on"); }));
  }
  THEN("its state is used again when the last task has ended, or none can be woken any more") {
    auto pool = w.pool("coroutine.spawn(function() require('time').sleep('1ms') end) "
                       "coroutine.spawn(function() channel.new():receive() end) "
                       "require('time').after('1ms') "
                       "count = (count or 0) + 1 return {count = count}");
    int most = 0;
    CHECK(w.wait_until([&pool, &most] {
      auto answer = pool_world::start(*pool);
      most = std::max(most, json::parse(pool_world::wait(answer).body)["count"].get<int>());
      return most == 3;
    }));
  }
  THEN("tasks of a call that failed end with it, and one that fails says so in the log") {
    auto pool = w.pool("coroutine.spawn(function() require('time').sleep('1ms') "
                       "error('alone ' .. http.request():path()) end) "
                       "if http.request():path() == '/raises' then error('first') end "
                       "return {ok = true}");
    auto first = pool_world::start(*pool, "/raises");
    CHECK(pool_world::wait(first).status == 500);
    CHECK_FALSE(contains(w.logged(), "a task of an answered call"));
    auto second = pool_world::start(*pool);
    CHECK(pool_world::wait(second).status == 200);
    CHECK(w.wait_until(
        [&w] { return contains(w.logged(), "a task of an answered call failed: "); }));
  }
  THEN("tasks that go on have bounds in time and number") {
    lua::pool_options options;
    options.workers = 8;
    options.lingering = 1;
    options.linger = 0min;
    auto pool = w.pool("coroutine.spawn(function() process.inbox():receive() end) "
                       "return {ok = true}",
                       options);
    auto first = pool_world::start(*pool);
    CHECK(pool_world::wait(first).status == 200);
    CHECK(w.wait_until([&w] { return contains(w.logged(), "did not end in time: dropped"); }));
    options.linger = 60min;
    auto other = w.pool("coroutine.spawn(function() process.inbox():receive() end) "
                        "return {ok = true}",
                        options);
    for (int i = 0; i < 2; ++i) {
      auto answer = pool_world::start(*other);
      CHECK(pool_world::wait(answer).status == 200);
    }
    CHECK(w.wait_until([&w] { return contains(w.logged(), "those of further ones are dropped"); }));
    CHECK(w.wait_until([&other] { return other->workers() == 1; }));
  }
  THEN("many at a time use up to `workers`, then wait, then are refused") {
    lua::pool_options options;
    options.workers = 2;
    options.buffer = 3;
    auto pool = w.pool("require('time').sleep('1s') return {ok = true}", options);
    std::vector<std::future<http_response>> answers;
    for (int i = 0; i < 7; ++i)
      answers.push_back(pool_world::start(*pool));
    int good = 0;
    int refused = 0;
    for (auto& one : answers) {
      auto r = pool_world::wait(one);
      good += r.status == 200;
      refused += r.status == 503;
    }
    CHECK(good == 5);
    CHECK(refused == 2);
    CHECK(pool->workers() == 2);
  }
}

SCENARIO("a function that takes too long", "[lua][function]") {
  lua::lua_limits limits;
  limits.budget = 200ms;
  pool_world w(limits);
  lua::pool_options options;
  options.workers = 1;
  options.deadline = 2s; // for those that must succeed, too
  THEN("is cut off at its deadline and replaced") {
    auto pool = w.pool("if http.request():path() == '/slow' then channel.new():receive() end "
                       "return {ok = true}",
                       options);
    auto slow = pool_world::start(*pool, "/slow");
    auto next = pool_world::start(*pool, "/");
    CHECK(pool_world::wait(slow).status == 504);
    auto r = pool_world::wait(next);
    CHECK((r.status == 200 || r.status == 504)); // its own deadline ran while it waited
    auto later = pool_world::start(*pool, "/");
    CHECK(pool_world::wait(later).status == 200);
  }
  THEN("one that waits for a state is told so at its deadline, however long the state is busy") {
    options.deadline = 100ms;
    auto pool = w.pool("if not http.request() then channel.new():receive() end return {ok = true}",
                       options);
    lua::call_extras without_deadline;
    without_deadline.done = [](lua::main_end&) {};
    pool->call({}, std::move(without_deadline));
    auto first = pool_world::start(*pool);
    auto second = pool_world::start(*pool);
    CHECK(pool_world::wait(first).status == 504);
    CHECK(pool_world::wait(second).status == 504);
    CHECK(contains(w.logged(), "no state of the function was free"));
    auto third = pool_world::start(*pool);
    CHECK(pool_world::wait(third).status == 504);
  }
  THEN("or at its budget") {
    options.deadline = 20s;
    auto pool = w.pool("if http.request():path() == '/slow' then while true do end end "
                       "return {ok = true}",
                       options);
    auto slow = pool_world::start(*pool, "/slow");
    CHECK(pool_world::wait(slow).status == 500);
    CHECK(contains(w.logged(), "limit budget reached"));
    auto later = pool_world::start(*pool, "/");
    CHECK(pool_world::wait(later).status == 200);
  }
}

SCENARIO("functions are called from C++", "[lua][function]") {
  pool_world w;
  auto pool = w.pool("local a, b = ... if a == 0 then error('zero', 0) end return a + b");
  auto call = [&pool](int a, int b) {
    auto done = std::make_shared<std::promise<hub::exit_result>>();
    pool->call({hub::payload::json(std::to_string(a)), hub::payload::json(std::to_string(b))},
               [done](hub::exit_result r) { done->set_value(std::move(r)); });
    auto answer = done->get_future();
    if (answer.wait_for(20s) != std::future_status::ready)
      FAIL("no answer");
    return answer.get();
  };
  CHECK(call(2, 3).value.bytes() == "5");
  CHECK(call(0, 3).error == "zero");
  THEN("after stop every call is answered with an error") {
    pool->stop();
    CHECK(call(1, 1).error == "the function is stopped");
  }
}
