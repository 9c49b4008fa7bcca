#include "relay/http/http_metrics.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <map>
#include <mutex>

namespace natterjack::relay {

namespace {

constexpr std::array<double, 11> bounds_s{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10};
constexpr std::array<std::string_view, 8> methods{"GET",   "POST", "PUT",     "DELETE",
                                                  "PATCH", "HEAD", "OPTIONS", "TRACE"};

struct durations {
  std::array<uint64_t, bounds_s.size()> below{};
  uint64_t count = 0;
  double sum_s = 0;
};

struct table {
  std::mutex mutex;
  bool used = false;
  std::map<std::array<std::string, 3>, uint64_t> requests; // method, route, status
  std::map<std::array<std::string, 2>, durations> times;   // method, route
  std::atomic<int64_t> in_flight{0};
};

table& counted() {
  static table all;
  return all;
}

std::string_view known(std::string_view method) {
  return std::find(methods.begin(), methods.end(), method) == methods.end() ? "other" : method;
}

class http_metrics final : public middleware {
 public:
  http_metrics() {
    std::lock_guard guard(counted().mutex);
    counted().used = true;
  }

  std::optional<http_response> before(http_request&) override {
    ++counted().in_flight;
    return std::nullopt;
  }

  void after(const http_request& request, http_response& response) override {
    const auto took = std::chrono::duration<double>(std::chrono::steady_clock::now() - request.received);
    auto& all = counted();
    --all.in_flight;
    const std::string method(known(request.method));
    std::lock_guard guard(all.mutex);
    ++all.requests[{method, request.route, std::to_string(response.status)}];
    auto& times = all.times[{method, request.route}];
    ++times.count;
    times.sum_s += took.count();
    for (size_t i = 0; i < bounds_s.size(); ++i)
      if (took.count() <= bounds_s[i])
        ++times.below[i];
  }
};

std::string label_text(std::string_view text) {
  std::string result = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\')
      result += '\\';
    if (c == '\n')
      result += "\\n";
    else
      result += c;
  }
  return result += '"';
}

std::string number(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%.9g", value);
  return text;
}

} // namespace

std::shared_ptr<middleware> make_http_metrics() { return std::make_shared<http_metrics>(); }

void append_http_metrics(std::string& out) {
  auto& all = counted();
  std::lock_guard guard(all.mutex);
  if (!all.used)
    return;
  out += "# HELP wippy_http_requests_total Requests answered.\n"
         "# TYPE wippy_http_requests_total counter\n";
  for (const auto& [labels, count] : all.requests)
    out += "wippy_http_requests_total{method=" + label_text(labels[0]) + ",route=" + label_text(labels[1]) +
           ",status=" + label_text(labels[2]) + "} " + std::to_string(count) + "\n";
  const std::string name = "wippy_http_request_duration_seconds";
  out += "# HELP " + name + " From a request's head to its answer's head.\n# TYPE " + name +
         " histogram\n";
  for (const auto& [labels, times] : all.times) {
    const auto both = "method=" + label_text(labels[0]) + ",route=" + label_text(labels[1]);
    for (size_t i = 0; i < bounds_s.size(); ++i)
      out += name + "_bucket{" + both + ",le=\"" + number(bounds_s[i]) + "\"} " +
             std::to_string(times.below[i]) + "\n";
    out += name + "_bucket{" + both + ",le=\"+Inf\"} " + std::to_string(times.count) + "\n";
    out += name + "_sum{" + both + "} " + number(times.sum_s) + "\n";
    out += name + "_count{" + both + "} " + std::to_string(times.count) + "\n";
  }
  out += "# HELP wippy_http_requests_in_flight Requests being answered.\n"
         "# TYPE wippy_http_requests_in_flight gauge\nwippy_http_requests_in_flight " +
         std::to_string(all.in_flight.load()) + "\n";
}

} // namespace natterjack::relay
