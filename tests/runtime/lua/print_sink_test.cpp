#include "runtime/lua/base/print_sink.hpp"

#include "tests/catch.hpp"

#include <string>

#include <fcntl.h>
#include <unistd.h>

using natterjack::runtime::lua::print_sink;

SCENARIO("lines go out in order, and nobody waits for a reader", "[lua][print]") {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  WHEN("somebody reads") {
    std::string expected;
    {
      print_sink sink(ends[1]);
      for (int i = 0; i < 100; ++i) {
        const auto line = "line " + std::to_string(i) + "\n";
        sink.write(line);
        expected += line;
      }
    }
    ::close(ends[1]);
    std::string read;
    char bytes[4096];
    for (ssize_t n; (n = ::read(ends[0], bytes, sizeof bytes)) > 0;)
      read.append(bytes, static_cast<size_t>(n));
    CHECK(read == expected);
    ::close(ends[0]);
  }
  WHEN("nobody reads") {
    const std::string line(1000, 'x');
    {
      print_sink sink(ends[1]);
      for (int i = 0; i < 3000; ++i)
        sink.write(line);
      THEN("what is too much is dropped and counted, and the end does not hang") {
        CHECK(sink.dropped() > 0);
      }
    }
    ::close(ends[0]);
    ::close(ends[1]);
  }
}
