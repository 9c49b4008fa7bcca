// What a run found out: one JSON object on standard output, aligned lines for people on standard error.
#pragma once

#include "histogram.hpp"

#include <cstdint>
#include <cstdio>
#include <string>

namespace natterjack::bench {

/// The result: one JSON object for programs, aligned lines for people.
class report {
 public:
  void add(const char* name, const std::string& text) { put(name, "\"" + text + "\"", text); }
  void add(const char* name, uint64_t value) {
    auto text = std::to_string(value);
    put(name, text, text);
  }
  void add(const char* name, double value, int digits) {
    char text[64];
    std::snprintf(text, sizeof text, "%.*f", digits, value);
    put(name, text, text);
  }
  void add_latency(const histogram& from) {
    add("p50_us", from.percentile_us(0.50), 1);
    add("p99_us", from.percentile_us(0.99), 1);
    add("max_us", from.max_us(), 1);
  }
  void print() const {
    std::fprintf(stdout, "{%s}\n", json_.c_str());
    std::fputs(people_.c_str(), stderr);
  }

 private:
  void put(const char* name, const std::string& json, const std::string& text) {
    json_ += (json_.empty() ? "\"" : ", \"") + std::string(name) + "\": " + json;
    char line[160];
    std::snprintf(line, sizeof line, "  %-28s %s\n", name, text.c_str());
    people_ += line;
  }

  std::string json_;
  std::string people_;
};

} // namespace natterjack::bench
