#include "hub/counters.hpp"
#include "tests/catch.hpp"

#include <set>
#include <string>
#include <thread>
#include <vector>

using namespace natterjack::hub;

SCENARIO("counts of all threads are summed, of those that have ended as well", "[hub][counters]") {
  const auto before = total(counter::messages_in);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([] {
      for (int n = 0; n < 1000; ++n)
        count(counter::messages_in);
      count(counter::messages_in, 500);
    });
  for (auto& t : threads)
    t.join();
  CHECK(total(counter::messages_in) - before == 4 * 1500);
}

SCENARIO("a value falls into the bucket whose bound it does not pass", "[hub][counters]") {
  const auto before = total(series::handling);
  observe(series::handling, bucket_bounds_ns[2]);
  observe(series::handling, bucket_bounds_ns[2] + 1);
  observe(series::handling, bucket_bounds_ns.back() + 1, 3);
  const auto after = total(series::handling);
  CHECK(after.buckets[2] - before.buckets[2] == 1);
  CHECK(after.buckets[3] - before.buckets[3] == 1);
  CHECK(after.buckets.back() - before.buckets.back() == 3);
  CHECK(after.count - before.count == 5);
  CHECK(after.sum_ns - before.sum_ns ==
        2 * bucket_bounds_ns[2] + 1 + 3 * (bucket_bounds_ns.back() + 1));
}

SCENARIO("each counter of a limit has the limit's name", "[hub][counters]") {
  CHECK(limit_name(counter::limit_inbound_messages) == "inbound_messages");
  CHECK(limit_name(counter::limit_max_processes) == "max_processes");
  CHECK(limit_name(counter::messages_in).empty());
  std::set<std::string_view> names;
  for (size_t i = 0; i < counter_count; ++i)
    if (const auto name = limit_name(static_cast<counter>(i)); !name.empty())
      CHECK(names.insert(name).second);
}
