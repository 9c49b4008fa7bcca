#include "runtime/lua/shared/work_pool.hpp"
#include "tests/catch.hpp"

#include <future>
#include <stdexcept>

using namespace natterjack::runtime::lua;
using namespace std::chrono_literals;

SCENARIO("work that throws harms nobody", "[lua][work_pool]") {
  work_pool pool(1);
  std::promise<void> done;
  pool.run([] { throw std::runtime_error("no"); });
  pool.run([] { throw 7; });
  pool.run([&done] { done.set_value(); });
  CHECK(done.get_future().wait_for(20s) == std::future_status::ready);
}
