#include "runtime/server/policy.hpp"

#include <algorithm>
#include <optional>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;

bool any_matches(const json& patterns, const std::string& text) {
  return patterns.is_array() && std::any_of(patterns.begin(), patterns.end(), [&text](const auto& one) {
           return one.is_string() && matches_pattern(one.template get_ref<const std::string&>(), text);
         });
}

// `actor.meta.team` in nested objects; null if it is not there.
json field_of(const json& facts, std::string_view path) {
  const json* at = &facts;
  while (!path.empty()) {
    const auto step = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    if (!at->is_object())
      return nullptr;
    const auto found = at->find(std::string(step));
    if (found == at->end())
      return nullptr;
    at = &*found;
  }
  return *at;
}

bool contains(const json& list, const json& value) {
  if (list.is_string())
    return value.is_string() && list.get_ref<const std::string&>().find(
                                    value.get_ref<const std::string&>()) != std::string::npos;
  return list.is_array() && std::find(list.begin(), list.end(), value) != list.end();
}

bool are_comparable(const json& a, const json& b) {
  return (a.is_number() && b.is_number()) || (a.is_string() && b.is_string());
}

bool holds(const std::string& how, const json& a, const json& b) {
  if (how == "eq" || how == "ne")
    return (a == b) == (how == "eq");
  if (how == "exists" || how == "nexists")
    return a.is_null() == (how == "nexists");
  if (how == "contains" || how == "ncontains")
    return contains(a, b) == (how == "contains");
  if (how == "in" || how == "nin")
    return (b.is_array() && contains(b, a)) == (how == "in");
  if (how == "matches")
    return a.is_string() && b.is_string() &&
           matches_pattern(b.get_ref<const std::string&>(), a.get_ref<const std::string&>());
  if (!are_comparable(a, b))
    return false;
  return how == "lt" ? a < b : how == "gt" ? a > b : how == "lte" ? a <= b : how == "gte" && a >= b;
}

bool condition_holds(const json& condition, const json& facts) {
  if (!condition.is_object())
    return false;
  const auto wanted = condition.contains("value_from")
                          ? field_of(facts, condition.value("value_from", ""))
                          : condition.value("value", json());
  return holds(condition.value("operator", "eq"), field_of(facts, condition.value("field", "")), wanted);
}

} // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) noexcept {
  size_t p = 0, t = 0;
  std::optional<size_t> star; // the last one, and where in the text what follows it was tried
  size_t tried = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      tried = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star) {
      p = *star + 1;
      t = ++tried;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == pattern.npos;
}

policy::verdict policy::evaluate(const json& actor, const std::string& action,
                                 const std::string& resource) const {
  if (!rule_.is_object() || !any_matches(rule_.value("actions", json()), action) ||
      !any_matches(rule_.value("resources", json()), resource))
    return verdict::undefined;
  const json facts{{"actor", actor}, {"action", action}, {"resource", resource}, {"meta", json::object()}};
  const bool allows = rule_.value("effect", "") == "allow";
  if (!counts(facts, !allows))
    return verdict::undefined;
  return allows ? verdict::allow : verdict::deny;
}

// @param unless_told  the answer where an expression has none: nothing is allowed by that, and nothing
//   escapes a denial
bool policy::counts(const json& facts, bool unless_told) const {
  if (rule_.contains("expression")) {
    std::string why;
    return when_ ? when_->holds(facts, why).value_or(unless_told) : unless_told;
  }
  const auto conditions = rule_.value("conditions", json::array());
  return std::all_of(conditions.begin(), conditions.end(),
                     [&facts](const auto& one) { return condition_holds(one, facts); });
}

} // namespace natterjack::runtime
