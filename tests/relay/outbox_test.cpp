#include "relay/outbox.hpp"

#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

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
