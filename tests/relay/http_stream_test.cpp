#include "relay/gateway.hpp"
#include "relay/http/body_stream.hpp"
#include "tests/catch.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <arpa/inet.h>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

using namespace natterjack;
using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

template <class Condition>
bool eventually(Condition is_met) {
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (!is_met()) {
    if (std::chrono::steady_clock::now() > end)
      return false;
    std::this_thread::yield();
  }
  return true;
}

struct served {
  caf::actor_system_config config;
  caf::actor_system system{config};
  hub::node home{system, "here"};
  io_pool threads{system, 1};
  gateway gate{home, threads, {"test:gateway", "127.0.0.1", 0, {}, {}}};
  std::shared_ptr<body_stream> stream = std::make_shared<body_stream>(64 << 10);

  served() {
    gate.routes().add({"GET", "/stream",
                       [this](const auto&, const http_reply& reply) {
                         http_response response;
                         response.body = "first ";
                         response.stream = stream;
                         reply(std::move(response));
                       },
                       nullptr, nullptr});
    gate.open();
    threads.start();
    gate.accept();
  }
  ~served() {
    gate.stop_accepting();
    threads.stop();
  }
};

class client {
 public:
  client(const gateway& gate, const std::string& version, int receive_bytes = 0,
         const std::string& method = "GET") {
    descriptor_ = ::socket(AF_INET, SOCK_STREAM, 0);
    if (receive_bytes != 0)
      ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof receive_bytes);
    timeval patience{10, 0};
    ::setsockopt(descriptor_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    const auto url = gate.url();
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(static_cast<uint16_t>(std::stoi(url.substr(url.rfind(':') + 1))));
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(descriptor_, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
    const auto wish = method + " /stream HTTP/" + version + "\r\nHost: x\r\nConnection: close\r\n\r\n";
    REQUIRE(::send(descriptor_, wish.data(), wish.size(), 0) == static_cast<ssize_t>(wish.size()));
  }
  ~client() { hang_up(); }

  void hang_up() {
    if (descriptor_ >= 0)
      ::close(std::exchange(descriptor_, -1));
  }

  // Until the end of the connection, or until `text` has come.
  std::string read(const std::string& until = {}) {
    std::string all;
    char buffer[65536];
    while (until.empty() || all.find(until) == std::string::npos) {
      const auto n = ::recv(descriptor_, buffer, sizeof buffer, 0);
      if (n < 0 && errno == EINTR) // a stopped process that goes on, as there is a time-out
        continue;
      if (n <= 0)
        break;
      all.append(buffer, static_cast<size_t>(n));
    }
    return all;
  }

 private:
  int descriptor_;
};

} // namespace

SCENARIO("a body comes while it is written, in chunks", "[relay][body_stream]") {
  served here;
  client reader(here.gate, "1.1");
  const auto begin = reader.read("first ");
  CHECK(begin.find("Transfer-Encoding: chunked\r\n") != std::string::npos);
  CHECK(begin.find("Content-Length") == std::string::npos);
  CHECK(begin.substr(begin.find("\r\n\r\n") + 4) == "6\r\nfirst \r\n");
  CHECK(here.stream->write("second"));
  CHECK(reader.read("second\r\n") == "6\r\nsecond\r\n");
  here.stream->finish();
  CHECK(reader.read() == "0\r\n\r\n");
  CHECK_FALSE(here.stream->write("too late"));
}

SCENARIO("for HTTP/1.0 the end of the connection is the end of the body", "[relay][body_stream]") {
  served here;
  client reader(here.gate, "1.0");
  here.stream->write("rest");
  here.stream->finish();
  const auto all = reader.read();
  CHECK(all.find("Transfer-Encoding") == std::string::npos);
  CHECK(all.substr(all.find("\r\n\r\n") + 4) == "first rest");
}

SCENARIO("who asks for the head of a stream gets that alone", "[relay][body_stream]") {
  for (const char* version : {"1.1", "1.0"}) {
    served here;
    client reader(here.gate, version, 0, "HEAD");
    const auto all = reader.read();
    CHECK(all.find("HTTP/1.1 200 OK\r\n") == 0);
    CHECK(all.find("\r\n\r\n") == all.size() - 4);
    CHECK(eventually([&here] { return here.stream->is_closed(); }));
  }
}

SCENARIO("a body that is broken off has no end", "[relay][body_stream]") {
  served here;
  client reader(here.gate, "1.1");
  reader.read("first \r\n");
  { const body_writer writer(here.stream); }
  CHECK(reader.read().find("0\r\n\r\n") == std::string::npos);
}

SCENARIO("a client that does not read makes the writer wait", "[relay][body_stream]") {
  served here;
  client reader(here.gate, "1.1", 4096);
  reader.read("first \r\n");
  const std::string block(32 << 10, 'x');
  size_t written = 0;
  // Full for good, as far as can be seen, and not only until the session has taken what is there.
  auto full_since = std::chrono::steady_clock::now();
  while (std::chrono::steady_clock::now() - full_since < 500ms && written < (256U << 20)) {
    if (here.stream->is_full()) {
      std::this_thread::yield();
      continue;
    }
    here.stream->write(block);
    written += block.size();
    full_since = std::chrono::steady_clock::now();
  }
  CHECK(written < (64U << 20)); // what kernel and session hold, not what was wished
  std::atomic<bool> room{false};
  here.stream->when_room([&room] { room = true; });
  THEN("reading gives room again") {
    std::thread reading([&reader] { reader.read(); });
    CHECK(eventually([&room] { return room.load(); }));
    here.stream->finish();
    reading.join();
  }
  THEN("hanging up does as well, and says that nobody reads") {
    reader.hang_up();
    CHECK(eventually([&room] { return room.load(); }));
    CHECK(eventually([&here] { return here.stream->is_closed(); }));
    CHECK_FALSE(here.stream->write("x"));
  }
}

SCENARIO("a client that hangs up is noticed while nothing is written", "[relay][body_stream]") {
  served here;
  client reader(here.gate, "1.1");
  reader.read("first \r\n");
  reader.hang_up();
  CHECK(eventually([&here] { return here.stream->is_closed(); }));
}

SCENARIO("who writes may outlive client, gateway and threads", "[relay][body_stream]") {
  std::shared_ptr<body_stream> kept;
  {
    served here;
    client reader(here.gate, "1.1");
    reader.read("first \r\n");
    kept = here.stream;
  }
  CHECK(kept->is_closed());
  CHECK_FALSE(kept->write("x"));
  kept->finish();
}

SCENARIO("what was written last before the end arrives", "[relay][body_stream]") {
  for (int round = 0; round < 50; ++round) {
    served here;
    client reader(here.gate, round % 2 == 0 ? "1.1" : "1.0");
    std::thread writing([&here] {
      here.stream->write("second ");
      std::this_thread::yield();
      here.stream->write("last");
      here.stream->finish();
    });
    const auto all = reader.read();
    writing.join();
    CAPTURE(round, all);
    REQUIRE(all.find("last") != std::string::npos);
    REQUIRE(all.ends_with(round % 2 == 0 ? "0\r\n\r\n" : "last"));
  }
}
