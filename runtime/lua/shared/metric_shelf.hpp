// Metrics that scripts keep: counters, gauges and histograms by name and labels, for `/metrics`.
//
//   add, set, observe   result                           errors
//                       empty: done                      a sentence: the name or a label cannot be used, the name
//                                                        is that of another kind, too many series
//   append              all of them in Prometheus' text format
//
//   bound   10,000 series, 200 bytes of a name or a label's value; names `natterjack_...` are the program's own
//   thread  any
#pragma once

#include <array>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::runtime::lua {

enum class metric_kind : unsigned char { counter, gauge, histogram };

/// Name and value of each, in any order.
using metric_labels = std::vector<std::pair<std::string, std::string>>;

class metric_shelf {
 public:
  /// Adds to a counter or a gauge; of a histogram, counts one value.
  std::string add(metric_kind kind, std::string_view name, metric_labels labels, double value);
  std::string set(std::string_view name, metric_labels labels, double value);
  void append(std::string& out) const;

  static constexpr std::array<double, 11> bounds{0.005, 0.01, 0.025, 0.05, 0.1, 0.25,
                                                 0.5,   1,    2.5,   5,    10};

 private:
  struct series {
    double value = 0; // of a histogram the sum
    std::array<uint64_t, bounds.size() + 1> buckets{};
  };
  struct family {
    metric_kind kind = metric_kind::counter;
    std::map<std::string, series> all; // labels as they are written, `a="1",b="2"`
  };
  std::string find(metric_kind kind, std::string_view name, metric_labels labels, series*& out);

  mutable std::mutex mutex_;
  std::map<std::string, family, std::less<>> families_;
  size_t series_ = 0;
};

} // namespace natterjack::runtime::lua
