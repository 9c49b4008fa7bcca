#include "relay/stream_socket.hpp"

#include "tests/catch.hpp"

#include <fcntl.h>
#include <sys/socket.h>

using namespace natterjack::relay;
using tcp = boost::asio::ip::tcp;

namespace {

struct pair_of_ends {
  int mine = -1;
  int other = -1;
  pair_of_ends() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
    mine = ends[0];
    other = ends[1];
  }
  ~pair_of_ends() { ::close(other); }
  void say(const char* octet) const { REQUIRE(::write(other, octet, 1) == 1); }
};

bool is_open(int descriptor) { return ::fcntl(descriptor, F_GETFD) != -1; }

} // namespace

TEST_CASE("a stream socket closes its descriptor, waited for or not") {
  boost::asio::io_context context;
  pair_of_ends ends;
  SECTION("never waited for") { stream_socket socket(context, ends.mine); }
  SECTION("waited for") {
    stream_socket socket(context, ends.mine);
    socket.async_wait(tcp::socket::wait_read, [](auto) {});
  }
  SECTION("moved") {
    stream_socket first(context, ends.mine);
    stream_socket second(std::move(first));
    CHECK(first.descriptor() == -1);
    CHECK(second.descriptor() == ends.mine);
  }
  CHECK_FALSE(is_open(ends.mine));
}

TEST_CASE("who waits for a stream socket is told of bytes, and of its end") {
  boost::asio::io_context context;
  pair_of_ends ends;
  stream_socket socket(context, ends.mine);
  int told = 0;
  bool failed = false;
  const auto hear = [&](boost::system::error_code ec) {
    ++told;
    failed = static_cast<bool>(ec);
  };
  socket.async_wait(tcp::socket::wait_read, hear);
  ends.say("a");
  context.run_one();
  CHECK(told == 1);
  CHECK_FALSE(failed);

  char octet;
  REQUIRE(::read(ends.mine, &octet, 1) == 1);
  socket.async_wait(tcp::socket::wait_read, hear);
  CHECK(told == 1);
  socket.close();
  context.restart();
  context.run_one();
  CHECK(told == 2);
  CHECK(failed);
}

TEST_CASE("what is given away is not closed") {
  boost::asio::io_context context;
  pair_of_ends ends;
  SECTION("as a descriptor") {
    int given = -1;
    {
      stream_socket socket(context, ends.mine);
      socket.async_wait(tcp::socket::wait_read, [](auto) {});
      given = socket.release();
      CHECK(socket.descriptor() == -1);
    }
    REQUIRE(is_open(given));
    ::close(given);
  }
  SECTION("as a socket of Asio's") {
    tcp::socket given(context);
    {
      stream_socket socket(context, ends.mine);
      given = socket.to_asio();
    }
    ends.say("a");
    char octet;
    CHECK(given.read_some(boost::asio::buffer(&octet, 1)) == 1);
  }
}

TEST_CASE("a descriptor that cannot be watched is said to whoever waits, later") {
  boost::asio::io_context context;
  const int file = ::open("/proc/self/exe", O_RDONLY); // epoll takes no regular files
  REQUIRE(file >= 0);
  stream_socket socket(context, file);
  bool failed = false;
  socket.async_wait(tcp::socket::wait_read, [&](boost::system::error_code ec) {
    failed = static_cast<bool>(ec);
  });
  CHECK_FALSE(failed);
  context.run();
  CHECK(failed);
}
