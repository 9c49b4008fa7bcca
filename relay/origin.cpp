#include "relay/origin.hpp"

#include <algorithm>
#include <cctype>
#include <fnmatch.h>

namespace natterjack::relay {

namespace {

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return result;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ')
    text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ')
    text.remove_suffix(1);
  return text;
}

} // namespace

origin_rule::origin_rule(std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    if (auto item = trim(list.substr(0, comma)); !item.empty())
      patterns_.push_back(lower(item));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}

bool origin_rule::allows(std::optional<std::string_view> origin, std::string_view host) const {
  if (!origin)
    return true;
  const auto whole = lower(*origin);
  const auto scheme_end = whole.find("://");
  const auto place = scheme_end == std::string::npos ? whole : whole.substr(scheme_end + 3);
  if (!place.empty() && place == lower(host))
    return true;
  return std::any_of(patterns_.begin(), patterns_.end(), [&whole, &place](const auto& pattern) {
    const auto& against = pattern.find("://") == std::string::npos ? place : whole;
    return pattern == "*" || ::fnmatch(pattern.c_str(), against.c_str(), 0) == 0;
  });
}

} // namespace natterjack::relay
