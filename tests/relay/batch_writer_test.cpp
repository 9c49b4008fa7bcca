#include "relay/batch_writer.hpp"

#include "relay/outbox.hpp"
#include "tests/catch.hpp"
#include "tests/relay/io_fixture.hpp"

#include <memory>
#include <string>
#include <vector>

using namespace natterjack;
using namespace natterjack::relay;

namespace {

// All promises hold with a kernel that refuses io_uring too: then outboxes write by themselves.
struct client final : outbox_owner {
  int ends[2];
  std::unique_ptr<outbox> box;
  int blocked = 0, drained = 0, failed = 0;

  client(io_thread& thread, const gateway_limits& limits) {
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    int size = 4096;
    ::setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    box = std::make_unique<outbox>(thread, limits, ends[0], *this);
  }
  ~client() {
    ::close(ends[0]);
    ::close(ends[1]);
  }
  std::string read() const {
    std::string result;
    char buffer[8192];
    for (ssize_t n; (n = ::read(ends[1], buffer, sizeof buffer)) > 0;)
      result.append(buffer, static_cast<size_t>(n));
    return result;
  }
  void push(std::string_view bytes) { box->push_data(hub::shared_bytes(bytes)); }

  void on_outbox_blocked() override { ++blocked; }
  void on_outbox_drained() override { ++drained; }
  void on_outbox_failed() override { ++failed; }
  void on_outbox_slow() override {}
};

struct batch_fixture : io_fixture {
  gateway_limits limits;
  std::vector<std::unique_ptr<client>> clients;

  ~batch_fixture() {
    on_thread([this] { clients.clear(); });
  }
  /// On the io thread, like all that follows.
  void make(size_t n) {
    while (clients.size() < n)
      clients.push_back(std::make_unique<client>(thread, limits));
  }
};

} // namespace

SCENARIO_METHOD(batch_fixture, "each outbox of a batch writes its own", "[relay][batch_writer]") {
  on_thread([this] {
    make(600); // more than one system call takes
    {
      const batch_writer::scope together(true);
      for (size_t i = 0; i < clients.size(); ++i) {
        clients[i]->push("client " + std::to_string(i));
        clients[i]->box->flush();
      }
    }
    for (size_t i = 0; i < clients.size(); ++i) {
      REQUIRE(clients[i]->read() == "client " + std::to_string(i));
      REQUIRE(clients[i]->box->empty());
      REQUIRE(clients[i]->drained == 1);
    }
  });
}

SCENARIO_METHOD(batch_fixture, "what is pushed during a batch comes behind it", "[relay][batch_writer]") {
  on_thread([this] {
    make(1);
    auto& one = *clients.front();
    {
      const batch_writer::scope together(true);
      one.push("first ");
      one.box->flush();
      one.push("second ");
      one.box->push_control(opcode::pong, hub::shared_bytes("third "));
      one.box->flush();
      one.push("fourth");
    }
    one.box->flush();
    CHECK(one.read() == "first second third fourth");
  });
}

SCENARIO_METHOD(batch_fixture, "what a socket does not take stays, in order", "[relay][batch_writer]") {
  on_thread([this] {
    make(3);
    auto& full = *clients.front();
    std::string expected;
    for (int i = 0; full.blocked == 0; ++i) {
      REQUIRE(i < 10'000);
      const std::string block(3000, static_cast<char>('a' + i % 26));
      expected += block;
      const batch_writer::scope together(true);
      for (auto& each : clients) {
        each->push(each.get() == &full ? block : "x");
        each->box->flush();
      }
    }
    CHECK(full.box->bytes() > 0);
    std::string heard;
    for (int i = 0; heard.size() < expected.size(); ++i) {
      REQUIRE(i < 10'000);
      heard += full.read();
      const batch_writer::scope together(true);
      full.box->flush();
    }
    CHECK(heard == expected);
    CHECK(full.box->empty());
    CHECK(full.failed == 0);
    CHECK(clients.back()->read().find_first_not_of('x') == std::string::npos);
  });
}

SCENARIO_METHOD(batch_fixture, "what is being written is not dropped", "[relay][batch_writer]") {
  on_thread([this] {
    make(1);
    auto& one = *clients.front();
    {
      const batch_writer::scope together(true);
      one.push("kept");
      one.box->flush();
      if (batch_writer::open_here() != nullptr)
        one.push("dropped");
      one.box->drop_data();
    }
    one.box->flush();
    CHECK(one.read() == "kept");
  });
}

SCENARIO_METHOD(batch_fixture, "a client that is gone fails alone", "[relay][batch_writer]") {
  on_thread([this] {
    make(3);
    ::shutdown(clients[1]->ends[1], SHUT_RDWR);
    {
      const batch_writer::scope together(true);
      for (auto& each : clients) {
        each->push("hello");
        each->box->flush();
      }
    }
    CHECK(clients[0]->read() == "hello");
    CHECK(clients[1]->failed == 1);
    CHECK(clients[2]->read() == "hello");
  });
}

SCENARIO_METHOD(batch_fixture, "an outbox may go away before it has heard", "[relay][batch_writer]") {
  on_thread([this] {
    make(3);
    {
      const batch_writer::scope together(true);
      for (auto& each : clients) {
        each->push("hello");
        each->box->flush();
      }
      clients[1]->box.reset();
    }
    for (auto& each : clients)
      CHECK(each->read() == "hello");
  });
}
