#include "runtime/lua/shared/metric_shelf.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace natterjack::runtime::lua {

namespace {

constexpr size_t series_max = 10'000;
constexpr size_t text_max = 200;
constexpr size_t labels_max = 16;

// [a-zA-Z_][a-zA-Z0-9_]*; the name of a metric may have colons as well.
bool is_name(std::string_view name, bool colons) {
  const auto is_letter = [colons](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (colons && c == ':');
  };
  return !name.empty() && name.size() <= text_max && is_letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&is_letter](char c) { return is_letter(c) || (c >= '0' && c <= '9'); });
}

std::string number(double value) {
  if (std::isnan(value))
    return "NaN";
  if (std::isinf(value))
    return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string written(metric_labels& labels) {
  std::sort(labels.begin(), labels.end());
  std::string text;
  for (const auto& [name, value] : labels) {
    text.append(text.empty() ? "" : ",").append(name).append("=\"");
    for (const char c : value) {
      if (c == '\\' || c == '"')
        text += '\\';
      if (c == '\n')
        text += "\\n";
      else
        text += c;
    }
    text += '"';
  }
  return text;
}

const char* name_of(metric_kind kind) {
  return kind == metric_kind::counter ? "counter" : kind == metric_kind::gauge ? "gauge" : "histogram";
}

void line(std::string& out, std::string_view name, std::string_view labels, std::string_view value) {
  out.append(name);
  if (!labels.empty())
    out.append("{").append(labels).append("}");
  out.append(" ").append(value).append("\n");
}

} // namespace

std::string metric_shelf::find(metric_kind kind, std::string_view name, metric_labels labels,
                               series*& out) {
  if (!is_name(name, true))
    return "'" + std::string(name.substr(0, text_max)) +
           "' is no name of a metric: letters, digits and _, at most 200";
  if (name.starts_with("natterjack_") || name.starts_with("wippy_http_"))
    return "names that begin with natterjack_ or wippy_http_ are the program's own";
  if (labels.size() > labels_max)
    return "more than 16 labels";
  for (const auto& [label, value] : labels) {
    if (!is_name(label, false) || label == "le")
      return "'" + label.substr(0, text_max) + "' is no name of a label: letters, digits and _, and not le";
    if (value.size() > text_max)
      return "the value of label " + label + " is longer than 200 bytes";
  }
  auto known = families_.find(name);
  if (known != families_.end() && known->second.kind != kind)
    return "'" + std::string(name) + "' is a " + name_of(known->second.kind) + " already, not a " +
           name_of(kind);
  auto text = written(labels);
  if (known != families_.end())
    if (auto one = known->second.all.find(text); one != known->second.all.end()) {
      out = &one->second;
      return {};
    }
  if (series_ == series_max)
    return "too many series: 10000 combinations of name and labels are there already";
  if (known == families_.end())
    known = families_.emplace(std::string(name), family{kind, {}}).first;
  out = &known->second.all[std::move(text)];
  ++series_;
  return {};
}

std::string metric_shelf::add(metric_kind kind, std::string_view name, metric_labels labels,
                              double value) {
  if (kind == metric_kind::counter && !(value >= 0))
    return "a counter only grows: the value must not be below 0";
  std::lock_guard guard(mutex_);
  series* one = nullptr;
  auto why = find(kind, name, std::move(labels), one);
  if (!why.empty())
    return why;
  one->value += value;
  if (kind == metric_kind::histogram)
    ++one->buckets[static_cast<size_t>(std::lower_bound(bounds.begin(), bounds.end(), value) -
                                       bounds.begin())];
  return {};
}

std::string metric_shelf::set(std::string_view name, metric_labels labels, double value) {
  std::lock_guard guard(mutex_);
  series* one = nullptr;
  auto why = find(metric_kind::gauge, name, std::move(labels), one);
  if (why.empty())
    one->value = value;
  return why;
}

void metric_shelf::append(std::string& out) const {
  std::lock_guard guard(mutex_);
  for (const auto& [name, group] : families_) {
    out.append("# HELP ").append(name).append(" Kept by scripts of the application\n");
    out.append("# TYPE ").append(name).append(" ").append(name_of(group.kind)).append("\n");
    for (const auto& [labels, one] : group.all) {
      if (group.kind != metric_kind::histogram) {
        line(out, name, labels, number(one.value));
        continue;
      }
      uint64_t so_far = 0;
      const auto before = labels.empty() ? std::string() : labels + ",";
      for (size_t i = 0; i < one.buckets.size(); ++i) {
        so_far += one.buckets[i];
        line(out, name + "_bucket",
             before + "le=\"" + (i < bounds.size() ? number(bounds[i]) : "+Inf") + '"',
             std::to_string(so_far));
      }
      line(out, name + "_sum", labels, number(one.value));
      line(out, name + "_count", labels, std::to_string(so_far));
    }
  }
}

} // namespace natterjack::runtime::lua
