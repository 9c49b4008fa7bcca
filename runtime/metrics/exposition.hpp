// Writes metrics in Prometheus' text format, version 0.0.4.
//
//   exposition out;
//   out.family("natterjack_processes", "gauge", "Processes alive");
//   out.sample({{"kind", "lua"}}, 3);
//
//   labels   values may be any text; they are escaped here
//   never    checks that a family is not begun twice: one place writes them all
#pragma once

#include "hub/counters.hpp"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::runtime {

using metric_label = std::pair<std::string_view, std::string_view>;

class exposition {
 public:
  /// Begins a metric. @param type  counter, gauge or histogram
  void family(std::string_view name, std::string_view type, std::string_view help);

  void sample(std::initializer_list<metric_label> labels, double value);
  void sample(std::initializer_list<metric_label> labels, uint64_t value);
  void sample(uint64_t value) { sample({}, value); }

  /// All lines of a histogram whose values are nanoseconds, as seconds.
  void seconds(const hub::histogram& values);

  /// A family of one sample without labels.
  void single(std::string_view name, std::string_view type, std::string_view help, uint64_t value);
  void single(std::string_view name, std::string_view type, std::string_view help, double value);

  const std::string& text() const noexcept { return text_; }

 private:
  void line(std::string_view suffix, std::initializer_list<metric_label> labels,
            std::string_view value);

  std::string name_;
  std::string text_;
};

/// As Prometheus reads them: shortest form that gives the same value back.
std::string number_text(double value);

} // namespace natterjack::runtime
