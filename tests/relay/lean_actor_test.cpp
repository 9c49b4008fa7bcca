#include "relay/lean_actor.hpp"

#include "relay/io_thread.hpp"
#include "relay/message_run.hpp"
#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <caf/all.hpp>

#include <atomic>
#include <mutex>

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

struct lean_notes {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<int> exits{0};
  std::atomic<int> downs{0};
  std::atomic<int> exit_signals{0};
  std::atomic<int> runs{0};
  std::atomic<int> off_thread{0};
  void add(std::string line) {
    std::lock_guard guard(mutex);
    lines.push_back(std::move(line));
  }
  std::vector<std::string> read() {
    std::lock_guard guard(mutex);
    return lines;
  }
};

class lean_probe final : public lean_actor {
 public:
  lean_probe(caf::actor_config& config, io_thread& thread, hub::node& node, lean_notes& notes)
      : lean_actor(config, thread, node, node.host("app:probe")), notes_(notes) {
    enter_as(ctrl());
  }
  void accept(const hub::message_ptr& what) override { notes_.add(std::string(what->topic())); }
  void accept_run(message_run& run) override {
    ++notes_.runs;
    lean_actor::accept_run(run);
  }
  void on_down(const caf::down_msg&) override { ++notes_.downs; }
  void on_exit_signal(const caf::exit_msg& exit) override {
    ++notes_.exit_signals;
    quit(exit.reason);
  }
  bool on_element(caf::mailbox_element& element) override {
    if (!thread().is_current())
      ++notes_.off_thread;
    auto& content = element.content();
    if (content.match_elements<int>()) {
      notes_.add(std::to_string(content.get_as<int>(0)));
    } else if (content.match_elements<caf::strong_actor_ptr>()) {
      monitor(content.get_as<caf::strong_actor_ptr>(0));
    } else {
      return false;
    }
    return true;
  }
  void on_exit() override {
    ++notes_.exits;
    hub::process::leave();
  }

 private:
  lean_notes& notes_;
};

struct lean_fixture : io_fixture {
  lean_notes notes;
  caf::strong_actor_ptr pointer =
      spawn_lean<lean_probe>(system, thread, thread, home, notes);
  caf::actor actor = caf::actor_cast<caf::actor>(pointer);
  hub::process* self = static_cast<lean_probe*>(pointer->get());
  ~lean_fixture() { caf::anon_send_exit(actor, caf::exit_reason::kill); }
};

hub::message_ptr lean_note(const std::string& topic) {
  return hub::make_message(hub::pid{}, hub::shared_bytes(topic), hub::payload::text("x"));
}

} // namespace

SCENARIO_METHOD(lean_fixture, "a lean actor hears elements and messages in their order",
                "[relay][lean_actor]") {
  caf::scoped_actor asker{system};
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    if (i % 2 == 0)
      asker->send(actor, i);
    else
      self->deliver(lean_note(std::to_string(i)));
    expected.push_back(std::to_string(i));
  }
  on_thread([] {});
  CHECK(notes.read() == expected);
  CHECK(notes.off_thread == 0);
}

SCENARIO_METHOD(lean_fixture, "broadcasts behind one another are taken together, in order",
                "[relay][lean_actor]") {
  const auto member = home.processes().find(self->id().number());
  home.groups().join("g", member);
  std::vector<std::string> expected{"first"};
  on_thread([&] { // all queued before the next drain
    self->deliver(lean_note("first"));
    for (int i = 0; i < 20; ++i) {
      home.groups().broadcast("g", lean_note(std::to_string(i)));
      expected.push_back(std::to_string(i));
    }
    home.groups().broadcast("g", lean_note("ws.close")); // for the connection itself: alone
    self->deliver(lean_note("last"));
    home.groups().broadcast("g", lean_note("behind"));
  });
  expected.insert(expected.end(), {"ws.close", "last", "behind"});
  on_thread([] {});
  CHECK(notes.read() == expected);
  CHECK(notes.runs == 1);
}

SCENARIO_METHOD(lean_fixture, "the same message to one after another is one delivery to a list",
                "[relay][lean_actor]") {
  lean_notes other;
  const auto second = spawn_lean<lean_probe>(system, thread, thread, home, other);
  hub::process* beside = static_cast<lean_probe*>(second->get());
  const auto make = [](const char* topic) {
    return hub::make_message(hub::pid{}, hub::shared_bytes(topic), hub::payload::text("x"));
  };
  on_thread([&] { // so that all of it is in the queue before any is run
    for (const char* topic : {"a", "b"}) {
      const auto what = make(topic);
      self->deliver(what);
      beside->deliver(what);
    }
    const auto again = make("c");
    for (auto* to : {self, self, beside})
      to->deliver(again);
    const auto last = make("d");
    for (auto* to : {self, self, beside})
      to->deliver(last);
  });
  on_thread([] {});
  THEN("lists behind one another are taken together, and each hears everything in order") {
    CHECK(notes.read() == std::vector<std::string>{"a", "b", "c", "c", "d", "d"});
    CHECK(other.read() == std::vector<std::string>{"a", "b", "c", "d"});
    CHECK(notes.runs == 1); // a and b; who stands twice in a list is not given a run
  }
}

SCENARIO("frames of a run are the frames of its messages, end to end", "[relay][message_run]") {
  const std::vector<hub::message_ptr> messages{lean_note("a"), lean_note("b")};
  message_run run(messages);
  const auto a = frames_of(messages[0]);
  const auto b = frames_of(messages[1]);
  CHECK(run.frames().view() == std::string(a.view()) + std::string(b.view()));
}

SCENARIO_METHOD(lean_fixture, "monitors hear of every end of a lean actor", "[relay][lean_actor]") {
  caf::scoped_actor watcher{system};
  watcher->monitor(actor);
  GIVEN("a kill, which asks nobody") {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    watcher->receive([](const caf::down_msg& down) { CHECK(down.reason == caf::exit_reason::kill); });
    CHECK(notes.exits == 1);
    CHECK(notes.exit_signals == 0);
    CHECK_FALSE(home.processes().find(self->id().number()));
    WHEN("it is monitored after its end") {
      watcher->monitor(actor);
      watcher->receive([](const caf::down_msg&) { CHECK(true); });
    }
    WHEN("it is asked after its end") {
      bool refused = false;
      watcher->request(actor, 5s, 1).receive([](int) {}, [&](const caf::error&) { refused = true; });
      CHECK(refused);
    }
  }
  GIVEN("an exit") {
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    watcher->receive(
        [](const caf::down_msg& down) { CHECK(down.reason == caf::exit_reason::user_shutdown); });
    CHECK(notes.exits == 1);
    CHECK(notes.exit_signals == 1);
  }
}

SCENARIO_METHOD(lean_fixture, "a lean actor hears of those it monitors", "[relay][lean_actor]") {
  caf::scoped_actor asker{system};
  auto other = system.spawn([]() -> caf::behavior { return {[](int) {}}; });
  asker->monitor(other);
  asker->send(actor, caf::actor_cast<caf::strong_actor_ptr>(other));
  on_thread([] {});
  caf::anon_send_exit(other, caf::exit_reason::kill);
  asker->receive([](const caf::down_msg&) {});
  on_thread([] {});
  CHECK(notes.downs == 1);
}

SCENARIO_METHOD(lean_fixture, "links of a lean actor hold in both directions", "[relay][lean_actor]") {
  caf::scoped_actor watcher{system};
  auto linked = system.spawn([target = actor](caf::event_based_actor* me) -> caf::behavior {
    me->link_to(target);
    return {[me](int) { me->quit(caf::exit_reason::user_shutdown); },
            [](caf::ok_atom) { return 1; }};
  });
  watcher->request(linked, 5s, caf::ok_atom::value).receive([](int) {}, [](const caf::error&) {});
  WHEN("the lean one ends") {
    watcher->monitor(linked);
    caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
    watcher->receive([](const caf::down_msg& down) { CHECK(down.reason); });
  }
  WHEN("the linked one ends") {
    watcher->monitor(actor);
    watcher->send(linked, 1);
    watcher->receive([](const caf::down_msg& down) { CHECK(down.reason); });
    CHECK(notes.exit_signals == 1);
  }
}

SCENARIO_METHOD(lean_fixture, "a request it does not know is refused", "[relay][lean_actor]") {
  caf::scoped_actor asker{system};
  bool refused = false;
  asker->request(actor, 5s, std::string("?"))
      .receive([](int) {}, [&](const caf::error& e) { refused = e == caf::sec::unexpected_message; });
  CHECK(refused);
}
