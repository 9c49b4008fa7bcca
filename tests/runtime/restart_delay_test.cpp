#include "runtime/supervision/service.hpp"
#include "tests/catch.hpp"

using namespace natterjack::runtime;
using namespace std::chrono_literals;

SCENARIO("pauses grow by their factor up to the longest", "[runtime][service]") {
  restart_policy policy;
  policy.initial_delay = 100ms;
  policy.max_delay = 1s;
  policy.backoff_factor = 2;
  CHECK(restart_delay(policy, 1) == 100ms);
  CHECK(restart_delay(policy, 2) == 200ms);
  CHECK(restart_delay(policy, 4) == 800ms);
  CHECK(restart_delay(policy, 5) == 1s);
  CHECK(restart_delay(policy, 1'000'000) == 1s);
  policy.backoff_factor = 1;
  CHECK(restart_delay(policy, 50) == 100ms);
}
