#include "relay/http/router.hpp"

#include "relay/http/response_head.hpp"

#include <algorithm>
#include <stdexcept>

namespace natterjack::relay {

namespace {

// "/a/b/" -> "a", "b", "": a trailing slash is a segment of its own, so `/a` and `/a/` differ.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> parts;
  if (path.starts_with('/'))
    path.remove_prefix(1);
  for (;;) {
    const auto slash = path.find('/');
    parts.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos)
      return parts;
    path.remove_prefix(slash + 1);
  }
}

} // namespace

std::vector<router::segment> router::compile(const std::string& pattern) {
  auto fail = [&pattern](const char* why) {
    throw std::invalid_argument("route \"" + pattern + "\": " + why);
  };
  if (!pattern.starts_with('/'))
    fail("must begin with \"/\"");
  std::vector<segment> result;
  for (auto part : split(pattern)) {
    if (!result.empty() && result.back().what == segment::type::rest)
      fail("nothing may follow a {name...}");
    if (!part.starts_with('{')) {
      result.push_back({segment::type::literal, std::string(part)});
      continue;
    }
    if (!part.ends_with('}') || part.size() < 3)
      fail("a parameter is written {name} and fills its segment");
    part = part.substr(1, part.size() - 2);
    if (part.ends_with("..."))
      result.push_back({segment::type::rest, std::string(part.substr(0, part.size() - 3))});
    else
      result.push_back({segment::type::parameter, std::string(part)});
  }
  return result;
}

void router::add(route added) {
  compiled entry{compile(added.pattern), std::move(added)};
  auto rank = [](const compiled& c) {
    std::vector<int> result;
    for (const auto& s : c.segments)
      result.push_back(static_cast<int>(s.what));
    return result;
  };
  for (const auto& other : routes_)
    if (other.target.method == entry.target.method && rank(other) == rank(entry) &&
        std::equal(other.segments.begin(), other.segments.end(), entry.segments.begin(),
                   [](const segment& a, const segment& b) {
                     return a.what != segment::type::literal || a.text == b.text;
                   }))
      throw std::invalid_argument("route \"" + entry.target.method + " " + entry.target.pattern +
                                  "\" is the same as \"" + other.target.pattern + "\"");
  auto place = std::upper_bound(
      routes_.begin(), routes_.end(), entry,
      [&rank](const compiled& a, const compiled& b) { return rank(a) < rank(b); });
  routes_.insert(place, std::move(entry));
}

bool router::contains(std::string_view method, std::string_view pattern) const noexcept {
  return std::any_of(routes_.begin(), routes_.end(), [method, pattern](const compiled& entry) {
    return entry.target.method == method && entry.target.pattern == pattern;
  });
}

bool router::matches(const compiled& entry, const std::vector<std::string>& parts,
                     header_list& params) {
  params.clear();
  size_t i = 0;
  for (const auto& s : entry.segments) {
    if (s.what == segment::type::rest) {
      std::string rest;
      for (size_t k = i; k < parts.size(); ++k)
        rest.append(k == i ? "" : "/").append(parts[k]);
      params.emplace_back(s.text, std::move(rest));
      return true;
    }
    if (i == parts.size())
      return false;
    if (s.what == segment::type::literal ? s.text != parts[i] : parts[i].empty())
      return false;
    if (s.what == segment::type::parameter)
      params.emplace_back(s.text, std::string(parts[i]));
    ++i;
  }
  return i == parts.size();
}

void router::list_method(std::string& list, std::string_view method) {
  for (std::string_view rest = list; !rest.empty();) {
    const auto item = rest.substr(0, rest.find(','));
    if (item == method)
      return;
    rest.remove_prefix(std::min(rest.size(), item.size() + 2));
  }
  list.append(list.empty() ? "" : ", ").append(method);
  if (method == "GET")
    list_method(list, "HEAD");
}

router::match router::find(std::string_view method, std::string_view path) const {
  std::vector<std::string> parts;
  match result;
  for (auto part : split(path)) {
    parts.emplace_back();
    if (!percent_decode(part, parts.back()))
      return result;
  }
  for (const auto& entry : routes_) {
    if (!matches(entry, parts, result.params))
      continue;
    const auto& own = entry.target.method;
    if (own.empty() || own == method || (own == "GET" && method == "HEAD")) {
      result.found = &entry.target;
      return result;
    }
    list_method(result.allow, own);
  }
  if (!result.allow.empty())
    list_method(result.allow, "OPTIONS");
  result.params.clear();
  return result;
}

std::string router::methods() const {
  std::string list;
  for (const auto& entry : routes_)
    if (!entry.target.method.empty())
      list_method(list, entry.target.method);
  list_method(list, "OPTIONS");
  return list;
}

} // namespace natterjack::relay
