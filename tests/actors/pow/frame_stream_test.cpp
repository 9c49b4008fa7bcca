#include "actors/pow/frame_stream.hpp"

#include "tests/catch.hpp"
#include "tests/seed.hpp"
#include "tests/relay/io_fixture.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>

#include <condition_variable>
#include <mutex>
#include <random>

using namespace natterjack;
using namespace natterjack::pow;
using namespace std::chrono_literals;
using boost::asio::ip::tcp;

namespace {

class listener final : public stream_owner {
 public:
  void on_text(std::string_view body) override { note("text:" + std::string(body)); }
  void on_binary(std::string_view body) override { note("binary:" + std::string(body)); }
  void on_room() override { note("room"); }
  void on_gone() override { note("gone"); }
  bool hears(const std::vector<std::string>& expected) {
    std::unique_lock guard(mutex_);
    changed_.wait_for(guard, 10s, [&] { return heard_.size() >= expected.size(); });
    return heard_ == expected;
  }
  bool hears_among_others(const std::string& what) {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, 10s, [&] {
      return std::find(heard_.begin(), heard_.end(), what) != heard_.end();
    });
  }

 private:
  void note(std::string what) {
    std::lock_guard guard(mutex_);
    heard_.push_back(std::move(what));
    changed_.notify_all();
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> heard_;
};

struct stream_fixture : relay::io_fixture {
  boost::asio::io_context peer_context;
  tcp::socket peer{peer_context};
  std::shared_ptr<listener> owner = std::make_shared<listener>();
  std::shared_ptr<frame_stream> stream;

  void open(stream_limits limits = {}) {
    tcp::acceptor acceptor(peer_context, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
    tcp::socket accepted(thread.context());
    peer.connect(acceptor.local_endpoint());
    acceptor.accept(accepted);
    on_thread([&] {
      accepted.non_blocking(true);
      stream = std::make_shared<frame_stream>(
          relay::taken_socket{std::move(accepted), {}, std::make_shared<int>(), thread}, limits);
      stream->open("", owner);
    });
  }
  ~stream_fixture() {
    if (stream)
      on_thread([this] { stream->abort(); });
    stream.reset();
    thread.stop();
  }
  void write(const std::string& bytes) { boost::asio::write(peer, boost::asio::buffer(bytes)); }
  // Everything until the end of TCP.
  std::string read_all() {
    std::string all;
    boost::system::error_code ec;
    boost::asio::read(peer, boost::asio::dynamic_buffer(all), ec);
    return all;
  }
  static std::string frame(int op, std::string body, bool fin = true) {
    const char mask[4] = {1, 2, 3, 4};
    std::string result(1, static_cast<char>((fin ? 0x80 : 0) | op));
    result += static_cast<char>(0x80 | body.size());
    result.append(mask, 4);
    for (size_t i = 0; i < body.size(); ++i)
      body[i] = static_cast<char>(body[i] ^ mask[i % 4]);
    return result + body;
  }
};

} // namespace

TEST_CASE_METHOD(stream_fixture, "messages arrive whole, however they are cut", "[pow][stream]") {
  open();
  const auto seed = test::seed();
  INFO("seed " << seed);
  std::mt19937 random(seed);
  const auto bytes = frame(1, "one") + frame(2, std::string("\0\xff", 2)) + frame(1, "a", false) +
                     frame(9, "ping") + frame(0, "b", false) + frame(0, "c") + frame(1, "") +
                     frame(1, std::string(125, 'x'));
  for (size_t at = 0; at < bytes.size();) {
    const auto size = std::min<size_t>(1 + random() % 5, bytes.size() - at);
    write(bytes.substr(at, size));
    on_thread([] {});
    at += size;
  }
  CHECK(owner->hears({"text:one", std::string("binary:\0\xff", 9), "text:abc", "text:",
                      "text:" + std::string(125, 'x')}));
}

TEST_CASE_METHOD(stream_fixture, "a paused stream hands nothing over", "[pow][stream]") {
  open();
  on_thread([this] { stream->pause(); });
  write(frame(1, "first"));
  on_thread([] {});
  CHECK(owner->hears({}));
  on_thread([this] { stream->resume(); });
  CHECK(owner->hears({"text:first"}));
}

TEST_CASE_METHOD(stream_fixture, "a paused stream notices that its client is gone",
                 "[pow][stream]") {
  open();
  on_thread([this] { stream->pause(); });
  peer.close();
  CHECK(owner->hears({"gone"}));
}

TEST_CASE_METHOD(stream_fixture, "the closing handshake ends with TCP", "[pow][stream]") {
  open();
  on_thread([this] {
    stream->send_text("last");
    stream->close(1000);
    stream->send_text("never");
  });
  write(frame(1, "dropped") + frame(8, "\x03\xe8"));
  CHECK(read_all() == std::string("\x81\x04last\x88\x02\x03\xe8"));
  CHECK(owner->hears({}));
}

TEST_CASE_METHOD(stream_fixture, "a client that does not answer the close is left", "[pow][stream]") {
  stream_limits limits;
  limits.close_time = 50ms;
  open(limits);
  on_thread([this] { stream->close(1000); });
  CHECK(read_all() == std::string("\x88\x02\x03\xe8"));
}

TEST_CASE_METHOD(stream_fixture, "room is told once it is there again", "[pow][stream]") {
  stream_limits limits;
  limits.output_bytes = 1000;
  open(limits);
  const std::string big(8 << 20, 'x');
  on_thread([&] {
    CHECK(stream->has_room());
    stream->send_text(big);
    CHECK_FALSE(stream->has_room());
  });
  std::string got(big.size() + 10, '\0');
  boost::asio::read(peer, boost::asio::buffer(got));
  CHECK(owner->hears({"room"}));
}

TEST_CASE_METHOD(stream_fixture, "room that pongs have taken is told as well", "[pow][stream]") {
  stream_limits limits;
  limits.output_bytes = 1000;
  open(limits);
  const auto pings = [] {
    std::string many;
    for (int i = 0; i < 500; ++i)
      many += frame(9, std::string(120, 'p'));
    return many;
  }();
  // The peer reads nothing until its and our kernel hold no more.
  bool has_room = true;
  for (int i = 0; i < 2000 && has_room; ++i) {
    write(pings);
    on_thread([&] { has_room = stream->has_room(); });
  }
  REQUIRE_FALSE(has_room);
  std::thread reader([this] { read_all(); });
  CHECK(owner->hears_among_others("room")); // there are more pings on their way
  on_thread([this] { stream->abort(); });
  reader.join();
}

TEST_CASE_METHOD(stream_fixture, "all that is wrong with a frame is named", "[pow][stream]") {
  open();
  write("\xf3" + std::string(1, '\x01') + "x");
  CHECK(read_all() ==
        "\x88\x36\x03\xea"
        "RSV1 set, RSV2 set, RSV3 set, bad opcode 3, bad MASK");
  CHECK(owner->hears({"gone"}));
}
