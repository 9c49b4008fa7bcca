#include "relay/outbox.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <ctime>
#include <atomic>
#include <fcntl.h>
#include <optional>

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

struct outbox_fixture : io_fixture, outbox_owner {
  int ends[2];
  gateway_limits limits;
  std::optional<outbox> box;
  std::atomic<int> blocked{0}, drained{0}, failed{0}; // told on the io thread
  std::atomic<int> slow{0};

  outbox_fixture() {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    int size = 4096;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    limits.message_bytes = 1;
    limits.outbox_soft_bytes = 10'000;
    limits.outbox_hard_bytes = 100'000;
    limits.outbox_soft_time = 50ms;
  }
  virtual ~outbox_fixture() {
    on_thread([this] { box.reset(); });
    ::close(ends[0]);
    ::close(ends[1]);
  }
  void make() {
    on_thread([this] { box.emplace(thread, limits, ends[0], *this); });
  }
  outbox::admitted push(std::string_view bytes) {
    outbox::admitted result{};
    on_thread([&] { result = box->push_data(hub::shared_bytes(bytes)); });
    return result;
  }
  // Reads all there is, flushing as a writable socket would make the owner do.
  std::string read_all() {
    std::string result;
    char buffer[8192];
    for (;;) {
      const auto n = ::read(ends[1], buffer, sizeof buffer);
      if (n > 0) {
        result.append(buffer, static_cast<size_t>(n));
        continue;
      }
      bool empty = false;
      on_thread([&] {
        box->flush();
        empty = box->empty();
      });
      if (empty) {
        const auto last = ::read(ends[1], buffer, sizeof buffer);
        if (last <= 0)
          return result;
        result.append(buffer, static_cast<size_t>(last));
      }
    }
  }
  void fill() { // until the kernel takes no more
    while (blocked == 0)
      push(std::string(1000, 'k'));
  }

  // Of the processor, of the io thread.
  std::chrono::nanoseconds cost_of(const std::function<void()>& what) {
    const auto now = [] {
      timespec spent{};
      ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &spent);
      return std::chrono::seconds(spent.tv_sec) + std::chrono::nanoseconds(spent.tv_nsec);
    };
    std::chrono::nanoseconds cost{};
    on_thread([&] {
      const auto began = now();
      what();
      cost = now() - began;
    });
    return cost;
  }
  void push_many(int count) {
    const hub::shared_bytes block("0123456789");
    for (int i = 0; i < count; ++i)
      box->push_data(block);
  }

  void on_outbox_blocked() override { ++blocked; }
  void on_outbox_drained() override { ++drained; }
  void on_outbox_failed() override { ++failed; }
  void on_outbox_slow() override { ++slow; }
};

} // namespace

SCENARIO_METHOD(outbox_fixture, "what is pushed arrives in order, small and large", "[relay][outbox]") {
  limits.outbox_soft_bytes = limits.outbox_hard_bytes = 10'000'000;
  make();
  std::string expected;
  for (int i = 0; i < 500; ++i) {
    const std::string block(static_cast<size_t>(i % 7 == 0 ? 5000 : i % 50 + 1), static_cast<char>('a' + i % 26));
    REQUIRE(push(block) == outbox::admitted::queued);
    expected += block;
  }
  CHECK(read_all() == expected);
  CHECK(drained > 0);
}

SCENARIO_METHOD(outbox_fixture, "a client that does not read is a slow consumer at the hard bound",
                "[relay][outbox]") {
  limits.outbox_soft_time = 1h;
  make();
  fill();
  auto result = outbox::admitted::queued;
  for (int i = 0; i < 200 && result == outbox::admitted::queued; ++i)
    result = push(std::string(1000, 'x'));
  CHECK(result == outbox::admitted::overflow);
  CHECK(box->bytes() <= limits.outbox_hard_bytes);
  CHECK(slow == 0);
}

SCENARIO_METHOD(outbox_fixture, "above the soft bound for too long is slow too", "[relay][outbox]") {
  make();
  fill();
  while (box->bytes() <= limits.outbox_soft_bytes)
    push(std::string(1000, 'x'));
  const auto deadline = std::chrono::steady_clock::now() + 5s;
  while (slow == 0 && std::chrono::steady_clock::now() < deadline)
    on_thread([] {});
  CHECK(slow == 1);
}

SCENARIO_METHOD(outbox_fixture, "the policy decides what a slow client loses", "[relay][outbox]") {
  limits.outbox_soft_time = 1h;
  GIVEN("drop_oldest") {
    limits.outbox_policy = outbox_policy::drop_oldest;
    make();
    fill();
    for (int i = 0; i < 300; ++i)
      CHECK(push(std::to_string(1000 + i).append(996, 'x')) == outbox::admitted::queued);
    CHECK(box->bytes() <= limits.outbox_hard_bytes);
    CHECK(box->dropped() > 0);
    CHECK(read_all().find("1299") != std::string::npos);
  }
  GIVEN("drop_newest") {
    limits.outbox_policy = outbox_policy::drop_newest;
    make();
    fill();
    bool refused = false;
    for (int i = 0; i < 300; ++i)
      refused = push(std::to_string(1000 + i).append(996, 'x')) == outbox::admitted::dropped;
    CHECK(refused);
    CHECK(read_all().find("1299") == std::string::npos);
  }
}

SCENARIO_METHOD(outbox_fixture, "control frames: one pong, one close, nothing behind it", "[relay][outbox]") {
  make();
  fill();
  on_thread([this] {
    box->push_control(opcode::pong, hub::shared_bytes("pong-1"));
    box->push_control(opcode::pong, hub::shared_bytes("pong-2"));
    box->push_control(opcode::close, hub::shared_bytes("close"));
    box->push_control(opcode::close, hub::shared_bytes("again"));
  });
  CHECK(push("late") == outbox::admitted::dropped);
  const auto all = read_all();
  CHECK(all.find("pong-1") == std::string::npos);
  CHECK(all.ends_with("pong-2close"));
}

SCENARIO_METHOD(outbox_fixture, "a socket that is gone is reported once", "[relay][outbox]") {
  make();
  ::shutdown(ends[1], SHUT_RDWR);
  push("x");
  on_thread([] {});
  push("y");
  on_thread([] {});
  CHECK(failed == 1);
}

// The number of its descriptor may be another client's by the end of the turn.
SCENARIO_METHOD(outbox_fixture, "what is queued when the socket is closed is not written", "[relay][outbox]") {
  make();
  on_thread([this] {
    box->push_data(hub::shared_bytes("secret"));
    box->abandon();
    REQUIRE(box->empty());
    REQUIRE(box->push_data(hub::shared_bytes("more")) == outbox::admitted::dropped);
  });
  on_thread([] {}); // the turn is over
  char octet;
  REQUIRE(::read(ends[1], &octet, 1) < 0);
  REQUIRE(failed == 0);
}

// A step that depends on how many wait would cost thousands of times as much.
SCENARIO_METHOD(outbox_fixture, "a message more costs the same however many wait", "[relay][outbox]") {
  constexpr int many = 50'000;
  limits.outbox_soft_bytes = limits.outbox_hard_bytes = 10 * many;
  limits.outbox_policy = outbox_policy::drop_oldest;
  make();
  fill();
  const auto below = cost_of([this] { push_many(many); });
  WHEN("the oldest are dropped for them") {
    const auto dropped_before = box->dropped();
    const auto at_the_bound = cost_of([this] { push_many(many); });
    THEN("each takes the place of one") {
      CHECK(box->dropped() - dropped_before == many);
      CHECK(box->bytes() <= limits.outbox_hard_bytes);
      CHECK(at_the_bound < 50 * below);
    }
  }
  WHEN("the client asks for as many pongs") {
    const auto of_pongs = cost_of([this] {
      const hub::shared_bytes pong("pong");
      for (int i = 0; i < many; ++i)
        box->push_control(opcode::pong, pong);
    });
    THEN("one waits") {
      CHECK(of_pongs < 50 * below);
      const auto all = read_all();
      CHECK(all.find("pong") == all.rfind("pong"));
    }
  }
}

SCENARIO_METHOD(outbox_fixture, "what is dropped leaves the rest in order", "[relay][outbox]") {
  limits.outbox_soft_time = 1h;
  limits.outbox_policy = outbox_policy::drop_oldest;
  make();
  fill();
  on_thread([this] {
    box->push_control(opcode::ping, hub::shared_bytes("<ping>"));
    push_many(5'000);
    box->push_control(opcode::pong, hub::shared_bytes("<old pong>"));
    push_many(30'000); // all of the above goes, and what has gone is cleared away several times
    box->push_control(opcode::pong, hub::shared_bytes("<pong>"));
    box->push_data(hub::shared_bytes("<last>"));
  });
  const auto all = read_all();
  CHECK(all.starts_with('k')); // begun
  const auto ping = all.find("<ping>"), pong = all.find("<pong>");
  CHECK(ping < pong);
  CHECK(pong < all.find("0123456789"));
  CHECK(all.find("<old pong>") == std::string::npos);
  CHECK(all.ends_with("0123456789<last>"));
}

SCENARIO_METHOD(outbox_fixture, "a peer that reads slowly is told from one that does not",
                "[relay][outbox]") {
  make();
  const auto is_draining = [this] {
    bool is = false;
    on_thread([&] { is = box->is_draining(); });
    return is;
  };
  CHECK_FALSE(is_draining());
  fill();
  push(std::string(9000, 'x'));
  CHECK(is_draining()); // the kernel has just taken some
  CHECK_FALSE(is_draining());
  char buffer[64 << 10];
  while (::read(ends[1], buffer, sizeof buffer) > 0)
    continue;
  on_thread([this] { box->flush(); });
  if (!box->empty())
    CHECK(is_draining());
  read_all();
  CHECK_FALSE(is_draining()); // nothing waits
}
