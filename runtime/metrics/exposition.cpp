#include "runtime/metrics/exposition.hpp"

#include <charconv>
#include <cmath>

namespace natterjack::runtime {

namespace {

void append_label_value(std::string& out, std::string_view value) {
  for (const char c : value) {
    if (c == '\\' || c == '"')
      out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
}

} // namespace

std::string number_text(double value) {
  if (std::isinf(value))
    return value > 0 ? "+Inf" : "-Inf";
  if (std::isnan(value))
    return "NaN";
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value).ptr;
  return {text, end};
}

void exposition::family(std::string_view name, std::string_view type, std::string_view help) {
  name_ = name;
  text_.append("# HELP ").append(name).append(" ").append(help);
  text_.append("\n# TYPE ").append(name).append(" ").append(type).append("\n");
}

void exposition::line(std::string_view suffix, std::initializer_list<metric_label> labels,
                      std::string_view value) {
  text_.append(name_).append(suffix);
  char before = '{';
  for (const auto& [name, label_value] : labels) {
    text_ += before;
    text_.append(name).append("=\"");
    append_label_value(text_, label_value);
    text_ += '"';
    before = ',';
  }
  if (labels.size() != 0)
    text_ += '}';
  text_.append(" ").append(value).append("\n");
}

void exposition::sample(std::initializer_list<metric_label> labels, double value) {
  line("", labels, number_text(value));
}

void exposition::sample(std::initializer_list<metric_label> labels, uint64_t value) {
  line("", labels, std::to_string(value));
}

void exposition::seconds(const hub::histogram& values) {
  uint64_t so_far = 0;
  for (size_t i = 0; i < values.buckets.size(); ++i) {
    so_far += values.buckets[i];
    const auto bound = i < hub::bucket_bounds_ns.size()
                           ? number_text(static_cast<double>(hub::bucket_bounds_ns[i]) / 1e9)
                           : std::string("+Inf");
    line("_bucket", {{"le", bound}}, std::to_string(so_far));
  }
  line("_sum", {}, number_text(static_cast<double>(values.sum_ns) / 1e9));
  line("_count", {}, std::to_string(so_far));
}

void exposition::single(std::string_view name, std::string_view type, std::string_view help,
                        uint64_t value) {
  family(name, type, help);
  sample({}, value);
}

void exposition::single(std::string_view name, std::string_view type, std::string_view help,
                        double value) {
  family(name, type, help);
  sample({}, value);
}

} // namespace natterjack::runtime
