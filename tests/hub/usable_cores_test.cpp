#include "hub/usable_cores.hpp"

#include "tests/catch.hpp"

#include <sched.h>
#include <thread>

using namespace natterjack;

SCENARIO("only the cores left to a thread count", "[hub][cores]") {
  REQUIRE(hub::usable_cores() >= 1);
  size_t found = 0;
  std::thread([&found] { // what it may use goes with it
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<size_t>(::sched_getcpu()), &one);
    if (::sched_setaffinity(0, sizeof one, &one) == 0)
      found = hub::usable_cores();
  }).join();
  REQUIRE(found == 1);
}
