#include "hub/testing.hpp"

#include "tests/catch.hpp"

#include <functional>

using namespace natterjack;
using namespace std::chrono_literals;
using natterjack::testing::world;

namespace {

// Does what a test says, and keeps what it hears.
class scripted : public hub_actor {
 public:
  struct script {
    std::function<void(scripted&)> start;
    std::function<void(scripted&, const client&)> join;
    std::function<void(scripted&, const client&, const incoming&)> message;
    std::function<void(scripted&, const incoming&)> topic;
    std::vector<std::string> heard;
    std::string fails_in;    // name of a callback
    std::weak_ptr<int> life; // of the hub object
    void maybe_fail(const char* callback) const {
      if (fails_in == callback)
        throw std::runtime_error("boom");
    }
  };
  static inline script* now = nullptr;

  void on_start() override {
    now->life = life_;
    if (now->start)
      now->start(*this);
  }
  void on_join(const client& who) override {
    now->heard.push_back("join " + who.metadata.dump());
    now->maybe_fail("on_join");
    if (now->join)
      now->join(*this, who);
  }
  void on_message(const client& who, const incoming& what) override {
    now->heard.push_back(std::string(what.topic()) + " " + std::string(what.text()));
    if (now->message)
      now->message(*this, who, what);
  }
  void on_heartbeat(const client&, const heartbeat& beat) override {
    now->heard.push_back("beat " + beat.uptime + " " + std::to_string(beat.messages));
    now->maybe_fail("on_heartbeat");
  }
  void on_leave(const client& who) override {
    now->heard.push_back("leave " + who.metadata.dump());
    now->maybe_fail("on_leave");
  }
  void on_topic(const incoming& what) override {
    now->heard.push_back("topic " + std::string(what.topic()));
    now->maybe_fail("on_topic");
    if (now->topic)
      now->topic(*this, what);
  }
  void on_down(const hub::pid&, const hub::exit_result& how) override {
    now->heard.push_back("down " + how.error);
    now->maybe_fail("on_down");
  }
  void on_link_down(const hub::pid&, const hub::exit_result& how) override {
    now->heard.push_back("link_down " + how.error);
    now->maybe_fail("on_link_down");
  }
  void on_stop(const std::string& reason) override {
    now->heard.push_back("stop " + reason);
    now->maybe_fail("on_stop");
  }

  // Tests speak through it.
  using hub_actor::after;
  using hub_actor::broadcast;
  using hub_actor::broadcast_except;
  using hub_actor::broadcast_to;
  using hub_actor::cancel;
  using hub_actor::clients;
  using hub_actor::close;
  using hub_actor::demonitor;
  using hub_actor::every;
  using hub_actor::id;
  using hub_actor::input;
  using hub_actor::input_as;
  using hub_actor::join;
  using hub_actor::link;
  using hub_actor::lookup;
  using hub_actor::monitor;
  using hub_actor::options_as;
  using hub_actor::reconfigure;
  using hub_actor::register_name;
  using hub_actor::reply;
  using hub_actor::send;
  using hub_actor::spawn;
  using hub_actor::stop;
  using hub_actor::trap_links;

 private:
  std::shared_ptr<int> life_ = std::make_shared<int>();
};
NATTERJACK_HUB(scripted, "test.scripted");

struct fixture {
  fixture() { scripted::now = &script; }
  scripted::script script;
  testing::world world;
  using texts = std::vector<std::string>;
};

// Tells by the directory whether a message was taken, as the feeds of a broker do.
struct watching_source final : hub::credit_source {
  watching_source(hub::node& node, uint64_t number) : home(node), receiver(number) {}
  void give_back(size_t) noexcept override {
    ++(home.processes().find(receiver) ? taken : unread);
  }
  hub::node& home;
  uint64_t receiver;
  int taken = 0, unread = 0;
};

struct settings {
  int size = 0;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(settings, size)

} // namespace

SCENARIO_METHOD(fixture, "what a hub had not taken comes back when it is no longer there",
                "[hub][hub_actor]") {
  const auto hub = world.start<scripted>();
  auto target = world.node().processes().find(hub.number());
  const auto source = caf::make_counted<watching_source>(world.node(), hub.number());
  script.fails_in = "on_topic";
  for (int i = 0; i < 5; ++i)
    target.self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("t"),
                                           hub::payload::text("x"), hub::credit(source, 1)));
  world.run();
  CHECK_FALSE(world.is_alive(hub));
  CHECK(source->taken == 1);
  CHECK(source->unread == 4);
}

SCENARIO_METHOD(fixture, "a client's life reaches its hub in order", "[hub][hub_actor]") {
  const auto hub = world.start<scripted>();
  GIVEN("a client that joins, speaks, beats and leaves") {
    auto ada = world.join(hub, {{"nick", "ada"}});
    ada.say("one");
    ada.say_bytes("\x01\xff");
    ada.beat("30s");
    ada.leave();
    THEN("every callback is called, and the client is known no longer") {
      CHECK(script.heard == texts{R"(join {"nick":"ada"})", "ws.message one", "ws.message \x01\xff",
                                  "beat 30s 2", R"(leave {"nick":"ada"})"});
    }
  }
  GIVEN("a process that is no client") {
    auto other = world.process();
    other.send(hub, "ws.message", "x");
    other.send(hub, "ws.leave", nullptr);
    other.send(hub, "order", {{"size", 3}});
    world.run();
    THEN("whatever it sends is a topic") {
      CHECK(script.heard == texts{"topic ws.message", "topic ws.leave", "topic order"});
    }
  }
  GIVEN("two connections, one of which was given another topic") {
    auto ada = world.join(hub);
    script.message = [](scripted& self, const client& who, const incoming&) {
      relay_change change;
      change.message_topic = "move";
      change.metadata = json{{"level", 2}};
      self.reconfigure(who, change);
    };
    ada.say("first");
    world.run();
    script.message = nullptr;
    ada.say("second");
    ada.leave();
    THEN("its messages come under that topic") {
      CHECK(script.heard ==
            texts{"join {}", "ws.message first", "move second", R"(leave {"level":2})"});
    }
  }
  GIVEN("a hub that says it as JSON text, and other things that are none of it") {
    auto ada = world.join(hub);
    script.message = [](scripted& self, const client& who, const incoming&) {
      self.send(who.id, "ws.control");
      self.send(who.id, "ws.control", "no JSON");
      self.send(who.id, "ws.control", json{{"message_topic", 5}, {"metadata", "none"}});
      self.send(who.id, "ws.control", R"({"message_topic":"move"})");
    };
    ada.say("first");
    world.run();
    script.message = nullptr;
    ada.say("second");
    ada.leave();
    THEN("it follows what it can, as connections do") {
      CHECK(script.heard == texts{"join {}", "ws.message first", "move second", "leave {}"});
    }
  }
}

SCENARIO_METHOD(fixture, "what a hub sends arrives", "[hub][hub_actor]") {
  const auto hub = world.start<scripted>();
  auto ada = world.join(hub), bufo = world.join(hub), cleo = world.join(hub);
  script.message = [](scripted& self, const client& who, const incoming& what) {
    if (what.text() == "types") {
      self.send(who, "a", "text");
      self.send(who, "b", 5);
      self.send(who, "c", {{"x", 1}});
      self.send(who, "d", nullptr);
      self.send(who, "e", std::vector<int>{1, 2});
      self.send(who, "f", what.value());
      self.reply("g", settings{3});
    } else if (what.text() == "groups") {
      self.broadcast("all", 1);
      self.broadcast_except(who, "others", 2);
      self.join("few", who);
      self.broadcast_to("few", "few", 3);
      self.send(std::vector<hub::pid>{who.id}, "list", 4);
    } else {
      self.close(who, "enough", 4001);
    }
  };
  GIVEN("values of many types") {
    ada.say("types");
    THEN("each is the JSON it should be") {
      CHECK(ada.take("a") == json("text"));
      CHECK(ada.take("b") == json(5));
      CHECK(ada.take("c") == json{{"x", 1}});
      CHECK(ada.take("d") == json(nullptr));
      CHECK(ada.take("e") == json::parse("[1,2]"));
      CHECK(ada.take("f") == json("types"));
      CHECK(ada.take("g") == json::parse(R"({"size":3})"));
    }
  }
  GIVEN("groups") {
    ada.say("groups");
    THEN("they reach their members and nobody else") {
      CHECK(ada.topics() == texts{"all", "few", "list"});
      CHECK(bufo.topics() == texts{"all", "others"});
      CHECK(cleo.topics() == texts{"all", "others"});
    }
  }
  GIVEN("a client that is closed") {
    ada.say("bye");
    THEN("it is told why, and has left") {
      REQUIRE(ada.closed());
      CHECK(ada.closed()->code == 4001);
      CHECK(ada.closed()->reason == "enough");
      CHECK(script.heard.back() == "leave {}");
      ada.end();
      bufo.say("groups");
      CHECK(ada.topics().empty());
    }
  }
}

SCENARIO_METHOD(fixture, "an error ends the hub with a clear text", "[hub][hub_actor]") {
  const auto boom = [](auto&&...) { throw std::runtime_error("boom"); };
  const testing::start_options entry{.entry = "app:room"};
  GIVEN("an error in on_start") {
    script.start = boom;
    const auto hub = world.start<scripted>(entry);
    THEN("it ended there") {
      CHECK_FALSE(world.is_alive(hub));
      CHECK(world.result_of(hub).error == "app:room: on_start: boom");
      CHECK(world.log().back() == "error app:room: process failed: app:room: on_start: boom");
    }
  }
  GIVEN("an error in a callback, a timer, or in reading JSON that was taken for granted") {
    const auto hub = world.start<scripted>(entry);
    auto ada = world.join(hub);
    std::string expected;
    SECTION("on_message") {
      script.message = boom;
      expected = "app:room: on_message: boom";
    }
    SECTION("no exception at all") {
      script.message = [](auto&&...) { throw 5; };
      expected = "app:room: on_message: something was thrown that is no std::exception";
    }
    SECTION("a timer") {
      script.message = [boom](scripted& self, auto&&...) { self.after(1ms, boom); };
      expected = "app:room: timer: boom";
    }
    SECTION("JSON") {
      script.message = [](auto&&...) { json{{"a", 1}}.at("b"); };
      expected = "app:room: on_message: key 'b' not found";
    }
    ada.say("x");
    world.advance(10ms);
    // No THEN: beside the sections it would be one more of them.
    CHECK_FALSE(world.is_alive(hub));
    CHECK(world.result_of(hub).error == expected);
    REQUIRE(ada.closed());
    CHECK(ada.closed()->reason == "target process exited");
    CHECK(script.life.expired());
  }
  GIVEN("an error in each other callback") {
    script.fails_in = GENERATE(as<std::string>{}, "on_join", "on_heartbeat", "on_leave", "on_topic",
                               "on_down", "on_link_down", "on_stop");
    CAPTURE(script.fails_in);
    auto other = world.process(), linked = world.process();
    script.start = [&other, &linked](scripted& self) {
      self.trap_links(true);
      self.monitor(other.id());
      self.link(linked.id());
    };
    const auto hub = world.start<scripted>(entry);
    auto ada = world.join(hub);
    ada.beat();
    ada.leave();
    world.process().send(hub, "x", 1);
    world.run();
    other.end();
    linked.end("broken");
    world.stop(hub);
    CHECK(world.result_of(hub).error == "app:room: " + script.fails_in + ": boom");
    CHECK(script.life.expired());
  }
  GIVEN("arguments that are missing or do not fit") {
    int sum = 0;
    script.start = [&sum](scripted& self) { sum = self.input_as<int>(0) + self.input_as<int>(1); };
    CHECK(world.is_alive(world.start<scripted>({.input = {1, 2}})));
    CHECK(sum == 3);
    CHECK(world.result_of(world.start<scripted>({.input = {1}, .entry = "app:room"})).error ==
          "app:room: on_start: input 2 is missing");
    CHECK(world.result_of(world.start<scripted>({.input = {1, "b"}, .entry = "app:room"})).error ==
          "app:room: on_start: input 2: type must be number, but is string");
  }
  GIVEN("a hub that sends in its constructor") {
    struct hasty : hub_actor {
      hasty() { broadcast("too", "early"); }
    };
    CHECK(world.result_of(world.start<hasty>(entry)).error ==
          "app:room: constructor: a hub can do this from on_start on, not in its constructor");
    struct asking : hub_actor {
      asking() { input(); }
    };
    CHECK_FALSE(world.is_alive(world.start<asking>(entry)));
  }
  GIVEN("options that do not fit their type") {
    script.start = [](scripted& self) { self.options_as<settings>(); };
    const auto hub = world.start<scripted>({.options = {{"size", "big"}}, .entry = "app:room"});
    CHECK(world.result_of(hub).error ==
          "app:room: on_start: options: type must be number, but is string");
  }
}

SCENARIO_METHOD(fixture, "timers go by a clock that tests turn", "[hub][hub_actor]") {
  std::vector<int> fired;
  uint64_t ticker = 0;
  script.start = [&](scripted& self) {
    self.after(2s, [&fired] { fired.push_back(2); });
    self.after(1s, [&fired] { fired.push_back(1); });
    self.after(2h, [&fired] { fired.push_back(3); });
    const auto never = self.after(1500ms, [&fired] { fired.push_back(-1); });
    CHECK(self.cancel(never));
    CHECK_FALSE(self.cancel(never));
    ticker = self.every(50ms, [&fired, &self, &ticker] {
      fired.push_back(0);
      if (std::count(fired.begin(), fired.end(), 0) == 20)
        self.cancel(ticker);
    });
  };
  const auto hub = world.start<scripted>();
  world.advance(990ms);
  CHECK(std::count(fired.begin(), fired.end(), 0) == 19);
  world.advance(10ms);
  CHECK(fired.size() == 21);
  CHECK(fired.back() == 0); // due at the same moment as 1, set later
  fired.clear();
  world.advance(1s);
  CHECK(fired == std::vector<int>{2});
  world.advance(2h);
  CHECK(fired == std::vector<int>{2, 3});
  CHECK(world.is_alive(hub));
}

SCENARIO_METHOD(fixture, "limits hold", "[hub][hub_actor]") {
  GIVEN("two timers and one name at most") {
    script.start = [](scripted& self) {
      CHECK(self.after(1s, [] {}) != 0);
      CHECK(self.every(1s, [] {}) != 0);
      CHECK(self.after(1s, [] {}) == 0);
      CHECK(self.register_name("a"));
      CHECK(self.register_name("a"));
      CHECK_FALSE(self.register_name("b"));
      CHECK(self.lookup("a") == self.id());
    };
    const auto hub = world.start<scripted>({.limits = {.timers = 2, .names = 1}});
    CHECK(world.is_alive(hub));
  }
  GIVEN("a mailbox for two") {
    const auto hub = world.start<scripted>({.limits = {.mailbox = {.messages = 2}}});
    auto other = world.process();
    CHECK(other.send(hub, "x", 1) == hub::send_result::sent);
    CHECK(other.send(hub, "x", 1) == hub::send_result::sent);
    CHECK(other.send(hub, "x", 1) == hub::send_result::mailbox_full);
    world.run();
    CHECK(other.send(hub, "x", 1) == hub::send_result::sent);
  }
}

SCENARIO_METHOD(fixture, "a hub that stops says its last words", "[hub][hub_actor]") {
  const auto hub = world.start<scripted>();
  auto other = world.process();
  GIVEN("a message that was sent before") {
    other.send(hub, "before", 1);
    world.stop(hub, "service stopping");
    THEN("that is handled first, then it ends as done") {
      CHECK(script.heard == texts{"topic before", "stop service stopping"});
      CHECK_FALSE(world.is_alive(hub));
      CHECK(world.result_of(hub).error.empty());
      CHECK(other.send(hub, "after", 1) == hub::send_result::no_process);
    }
  }
  GIVEN("a hub that ends by itself") {
    script.topic = [](scripted& self, const incoming&) { self.stop({{"done", true}}); };
    other.send(hub, "x", 1);
    other.send(hub, "unheard", 1);
    CHECK_FALSE(world.is_alive(hub));
    CHECK(world.result_of(hub).value.bytes() == R"({"done":true})");
    CHECK(script.heard == texts{"topic x"});
  }
}

SCENARIO_METHOD(fixture, "neighbours are watched", "[hub][hub_actor]") {
  auto other = world.process();
  GIVEN("a monitored process") {
    script.start = [&other](scripted& self) {
      CHECK(self.monitor(other.id()));
      CHECK_FALSE(self.monitor(other.id()));
    };
    const auto hub = world.start<scripted>();
    other.send(hub, "last words", 1);
    other.end("tired");
    THEN("its end comes behind what it sent") {
      CHECK(script.heard == texts{"topic last words", "down tired"});
      CHECK(world.is_alive(hub));
    }
  }
  GIVEN("a linked process that fails") {
    bool traps = false;
    SECTION("links are trapped") { traps = true; }
    SECTION("links are not trapped") {}
    script.start = [&other, traps](scripted& self) {
      self.trap_links(traps);
      CHECK(self.link(other.id()));
    };
    const auto hub = world.start<scripted>();
    other.end("broken");
    if (traps)
      CHECK(script.heard == texts{"link_down broken"});
    else
      CHECK(world.result_of(hub).error ==
            "test:hub: linked process failed: " + to_string(other.id()) + ": broken");
  }
  GIVEN("a linked process that another failure has ended") {
    script.start = [&other](scripted& self) { CHECK(self.link(other.id())); };
    const auto hub = world.start<scripted>();
    const std::string first = "linked process failed: {test@app:host|0x00001}: broken";
    SECTION("in Lua") { other.end(first); }
    SECTION("in C++") { other.end("app:other: " + first); }
    CHECK(world.result_of(hub).error == "test:hub: " + first);
  }
  GIVEN("a process that is gone") {
    other.end();
    script.start = [&other](scripted& self) {
      CHECK_FALSE(self.monitor(other.id()));
      CHECK_FALSE(self.link(other.id()));
      CHECK_FALSE(self.demonitor(other.id()));
    };
    world.start<scripted>();
  }
  GIVEN("a hub that spawns another") {
    hub::pid child;
    script.start = [&child](scripted& self) {
      if (!self.input().empty())
        return;
      const auto made = self.spawn("test.scripted", {"child"});
      REQUIRE(made);
      child = *made;
      self.monitor(child);
      CHECK(self.spawn("test.unknown").error() == "no hub class \"test.unknown\" is registered");
    };
    world.start<scripted>();
    CHECK(world.is_alive(child));
    world.stop(child, "enough");
    CHECK(script.heard == texts{"stop enough", "down "});
  }
}

SCENARIO_METHOD(fixture, "a batch of messages lets others run", "[hub][hub_actor]") {
  const auto busy = world.start<scripted>();
  auto other = world.process();
  for (int i = 0; i < 1000; ++i)
    other.send(busy, "x", i);
  world.run();
  CHECK(script.heard.size() == 1000);
}
