#include "runtime/metrics/exposition.hpp"
#include "tests/catch.hpp"

#include <limits>

using namespace natterjack;
using namespace natterjack::runtime;

SCENARIO("a family is its help, its type and its samples", "[runtime][exposition]") {
  exposition out;
  out.family("a_total", "counter", "What is counted");
  out.sample({}, uint64_t{7});
  out.sample({{"kind", "lua"}, {"entry", "app:hub"}}, uint64_t{1} << 60);
  CHECK(out.text() == "# HELP a_total What is counted\n# TYPE a_total counter\na_total 7\n"
                      "a_total{kind=\"lua\",entry=\"app:hub\"} 1152921504606846976\n");
}

SCENARIO("the value of a label may be any text", "[runtime][exposition]") {
  exposition out;
  out.family("a", "gauge", "x");
  out.sample({{"name", "say \"hi\"\\\n"}}, 0.5);
  CHECK(out.text().ends_with("a{name=\"say \\\"hi\\\"\\\\\\n\"} 0.5\n"));
}

SCENARIO("a histogram is cumulative and in seconds", "[runtime][exposition]") {
  exposition out;
  hub::histogram values;
  values.buckets[0] = 2;
  values.buckets[3] = 1;
  values.buckets.back() = 1;
  values.count = 4;
  values.sum_ns = 2'500'000'000;
  out.family("a_seconds", "histogram", "x");
  out.seconds(values);
  const auto& text = out.text();
  CHECK(text.find("a_seconds_bucket{le=\"1e-06\"} 2\n") != std::string::npos);
  CHECK(text.find("a_seconds_bucket{le=\"5e-05\"} 3\n") != std::string::npos);
  CHECK(text.find("a_seconds_bucket{le=\"5\"} 3\n") != std::string::npos);
  CHECK(text.ends_with("a_seconds_bucket{le=\"+Inf\"} 4\na_seconds_sum 2.5\na_seconds_count 4\n"));
}

SCENARIO("numbers that are none have the names Prometheus knows", "[runtime][exposition]") {
  CHECK(number_text(std::numeric_limits<double>::infinity()) == "+Inf");
  CHECK(number_text(-std::numeric_limits<double>::infinity()) == "-Inf");
  CHECK(number_text(std::numeric_limits<double>::quiet_NaN()) == "NaN");
  CHECK(number_text(0.1) == "0.1");
}
