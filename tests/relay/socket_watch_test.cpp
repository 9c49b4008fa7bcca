#include "relay/socket_watch.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <chrono>
#include <thread>

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

// One end of a pair of sockets, and what it was told.
struct end_of_pair : socket_owner {
  int mine = -1;
  int other = -1;
  std::function<void()> on_told;
  std::atomic<int> told{0};
  std::atomic<uint32_t> last{0};

  end_of_pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    mine = ends[0];
    other = ends[1];
  }
  virtual ~end_of_pair() {
    ::close(mine);
    if (other >= 0)
      ::close(other);
  }
  void say(const char* octet) { REQUIRE(::write(other, octet, 1) == 1); }
  void on_socket_event(uint32_t events) override {
    last = events;
    ++told;
    if (on_told)
      on_told();
  }
  bool is_told(int times) const {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (told < times && std::chrono::steady_clock::now() < deadline)
      std::this_thread::yield();
    return told == times;
  }
};

struct watch_fixture : io_fixture {
  socket_watch* watch = nullptr;
  watch_fixture() {
    on_thread([this] { watch = &boost::asio::use_service<socket_watch>(thread.context()); });
  }
  void add(end_of_pair& which) {
    on_thread([&] { watch->add(which.mine, which); });
  }
  void remove(end_of_pair& which) {
    on_thread([&] { watch->remove(which.mine, which); });
  }
};

} // namespace

SCENARIO_METHOD(watch_fixture, "an owner is told once for each arrival, also if it reads nothing", "[relay][watch]") {
  end_of_pair one;
  add(one);
  one.say("a");
  REQUIRE(one.is_told(1));
  REQUIRE((one.last & EPOLLIN) != 0);
  end_of_pair two; // its news shows that a round has gone by
  add(two);
  two.say("b");
  REQUIRE(two.is_told(1));
  REQUIRE(one.told == 1);
  one.say("c");
  REQUIRE(one.is_told(2));
  ::close(one.other);
  one.other = -1;
  REQUIRE(one.is_told(3));
  REQUIRE((one.last & EPOLLRDHUP) != 0);
  remove(one);
  remove(two);
}

SCENARIO_METHOD(watch_fixture, "who has been removed in a round hears nothing of it", "[relay][watch]") {
  end_of_pair one, two;
  add(one);
  add(two);
  one.on_told = [&] { watch->remove(two.mine, two); };
  two.on_told = [&] { watch->remove(one.mine, one); };
  on_thread([&] { // both are found in the same round
    one.say("a");
    two.say("a");
  });
  const auto deadline = std::chrono::steady_clock::now() + 10s;
  while (one.told + two.told == 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::yield();
  end_of_pair three;
  add(three);
  three.say("b");
  REQUIRE(three.is_told(1));
  REQUIRE(one.told + two.told == 1);
  remove(three);
  remove(one);
  remove(two);
}

SCENARIO_METHOD(watch_fixture, "room is told of each time it is asked for", "[relay][watch]") {
  end_of_pair one;
  add(one);
  for (int times = 1; times <= 2; ++times) {
    on_thread([&] { watch->wait_for_room(one.mine, one); });
    REQUIRE(one.is_told(times));
    REQUIRE((one.last & EPOLLOUT) != 0);
  }
  remove(one);
}

SCENARIO("an owner that nobody else holds lives until it is let go, or its loop ends", "[relay][watch]") {
  const auto make = [] { return std::make_shared<end_of_pair>(); };
  auto first = make(), second = make();
  const auto* one = first.get();
  const std::weak_ptr<end_of_pair> first_seen = first, second_seen = second;
  {
    boost::asio::io_context loop;
    auto& held_by = boost::asio::use_service<socket_watch>(loop);
    held_by.hold(*first, first);
    held_by.hold(*second, second);
    first.reset();
    second.reset();
    REQUIRE_FALSE(first_seen.expired());
    held_by.let_go(*one);
    REQUIRE(first_seen.expired());
    REQUIRE(held_by.let_go(*one) == nullptr);
    REQUIRE_FALSE(second_seen.expired());
  }
  REQUIRE(second_seen.expired());
}
