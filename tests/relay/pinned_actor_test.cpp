#include "relay/pinned_actor.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <caf/scoped_actor.hpp>
#include <caf/send.hpp>

#include <atomic>
#include <mutex>

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

struct diary {
  std::mutex mutex;
  std::vector<std::string> lines;
  std::atomic<int> exits{0};
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

class probe final : public pinned_actor {
 public:
  probe(caf::actor_config& config, io_thread& thread, hub::node& node, diary& notes)
      : pinned_actor(config, thread, node, node.host("app:probe")), notes_(notes) {
    enter(ctrl());
  }
  caf::behavior make_behavior() override {
    return {[this](int x) {
              if (!thread().is_current())
                ++notes_.off_thread;
              notes_.add(std::to_string(x));
              return x + 1;
            },
            [this](caf::get_atom) { return notes_.read().size(); }};
  }
  void accept(const hub::message_ptr& what) override { notes_.add(std::string(what->topic())); }
  void on_exit() override {
    ++notes_.exits;
    hub::process::leave();
  }

 private:
  diary& notes_;
};

struct pinned_fixture : io_fixture {
  diary notes;
  caf::actor actor;
  hub::process* self = nullptr;
  pinned_fixture() {
    actor = system.spawn<probe>(std::ref(thread), std::ref(home), std::ref(notes));
    self = static_cast<probe*>(caf::actor_cast<caf::abstract_actor*>(actor));
  }
  ~pinned_fixture() { caf::anon_send_exit(actor, caf::exit_reason::kill); }
  size_t lines(caf::scoped_actor& asker) {
    size_t result = 0;
    asker->request(actor, 5s, caf::get_atom::value)
        .receive([&](size_t n) { result = n; }, [](const caf::error&) {});
    return result;
  }
};

hub::message_ptr note(const char* topic) {
  return hub::make_message(hub::pid{}, hub::shared_bytes(topic), hub::payload{});
}

} // namespace

SCENARIO_METHOD(pinned_fixture, "a pinned actor answers requests on its thread", "[relay][pinned_actor]") {
  caf::scoped_actor asker{system};
  int answer = 0;
  asker->request(actor, 5s, 41).receive([&](int x) { answer = x; }, [](const caf::error&) {});
  CHECK(answer == 42);
  CHECK(notes.off_thread == 0);
}

SCENARIO_METHOD(pinned_fixture, "messages and elements keep their order", "[relay][pinned_actor]") {
  caf::scoped_actor asker{system};
  std::vector<std::string> expected;
  for (int i = 0; i < 1000; ++i) {
    if (i % 2 == 0)
      asker->send(actor, i);
    else
      self->deliver(note(std::to_string(i).c_str()));
    expected.push_back(std::to_string(i));
  }
  lines(asker);
  CHECK(notes.read() == expected);
}

SCENARIO_METHOD(pinned_fixture, "group messages keep their order among direct ones", "[relay][pinned_actor]") {
  caf::scoped_actor asker{system};
  const auto member = home.processes().find(self->id().number());
  home.groups().join("g", member);
  self->deliver(note("1"));
  CHECK(home.groups().broadcast("g", note("2")) == 1);
  self->deliver(note("3"));
  home.groups().leave("g", self->id());
  CHECK(home.groups().broadcast("g", note("never")) == 0);
  self->deliver(note("4"));
  lines(asker);
  CHECK(notes.read() == std::vector<std::string>{"1", "2", "3", "4"});
}

SCENARIO_METHOD(pinned_fixture, "monitors hear of every kind of end", "[relay][pinned_actor]") {
  caf::scoped_actor watcher{system};
  watcher->monitor(actor);
  GIVEN("a kill, which no handler sees") {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    watcher->receive([](const caf::down_msg& down) { CHECK(down.reason == caf::exit_reason::kill); });
    CHECK(notes.exits == 1);
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
  }
}

SCENARIO_METHOD(pinned_fixture, "links hold in both directions", "[relay][pinned_actor]") {
  caf::scoped_actor watcher{system};
  GIVEN("a scheduled actor linked to the pinned one") {
    auto linked = system.spawn([target = actor](caf::event_based_actor* me) -> caf::behavior {
      me->link_to(target);
      return {[me](int) { me->quit(caf::exit_reason::user_shutdown); }, [](caf::ok_atom) { return 1; }};
    });
    watcher->request(linked, 5s, caf::ok_atom::value).receive([](int) {}, [](const caf::error&) {});
    WHEN("the pinned one ends") {
      watcher->monitor(linked);
      caf::anon_send_exit(actor, caf::exit_reason::user_shutdown);
      watcher->receive([](const caf::down_msg& down) { CHECK(down.reason); });
    }
    WHEN("the linked one ends") {
      watcher->monitor(actor);
      watcher->send(linked, 1);
      watcher->receive([](const caf::down_msg& down) { CHECK(down.reason); });
    }
  }
}

SCENARIO_METHOD(pinned_fixture, "messages to an ended actor give their credit back", "[relay][pinned_actor]") {
  struct ledger final : hub::credit_source {
    std::atomic<size_t> returned{0};
    void give_back(size_t bytes) noexcept override { returned += bytes; }
  };
  caf::intrusive_ptr<ledger> source(new ledger, false);
  caf::scoped_actor watcher{system};
  watcher->monitor(actor);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
  watcher->receive([](const caf::down_msg&) {});
  self->deliver(hub::make_message(hub::pid{}, hub::shared_bytes("t"), hub::payload{},
                                  hub::credit(source, 7)));
  on_thread([] {});
  CHECK(source->returned == 7);
}
