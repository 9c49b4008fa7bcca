#include "runtime/config/source/substitution.hpp"

#include "runtime/config/locate.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

bool is_variable_name(std::string_view name) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_";
  return !name.empty() && !(name[0] >= '0' && name[0] <= '9') &&
         name.find_first_not_of(allowed) == std::string_view::npos;
}

// What stands between "${" and "}".
struct expression {
  std::string name;
  std::optional<std::string> otherwise;
};

// Nothing: this is no variable, but text that happens to look like one.
std::optional<expression> parse(std::string_view inner, std::string& error) {
  constexpr std::string_view prefix = "env:";
  const bool is_env = inner.starts_with(prefix);
  if (is_env)
    inner.remove_prefix(prefix.size());
  const auto bar = inner.find('|');
  const auto name = inner.substr(0, bar);
  if (!is_env && (bar == std::string_view::npos || !is_variable_name(name)))
    return {};
  if (!is_variable_name(name)) {
    error = "\"" + std::string(name) + "\" is no name of an environment variable";
    return {};
  }
  expression made{std::string(name), {}};
  if (bar != std::string_view::npos)
    made.otherwise = std::string(inner.substr(bar + 1));
  return made;
}

void substitute_tree(config_value& value, int line, const entry& e, const environment& variables,
                     std::vector<diagnostic>& mistakes) {
  if (value.is_list())
    for (auto& item : value.items())
      substitute_tree(item, 0, e, variables, mistakes);
  if (value.is_map())
    for (auto& member : value.members())
      substitute_tree(member.value, member.line, e, variables, mistakes);
  const std::string* text = value.kind() == value_kind::text ? value.as_text() : nullptr;
  if (!text || text->find("${") == std::string::npos)
    return;
  auto done = substitute(*text, variables);
  if (!done.error.empty()) {
    mistakes.push_back(mistake_at(e, value, line, std::move(done.error),
                                  "a variable that is set, or ${env:NAME|default}"));
    value.set_broken();
    return;
  }
  if (!done.changed)
    return;
  auto made = value.is_plain() ? typed_scalar(done.text) : config_value::text(done.text);
  made.set_loose(true);
  made.set_line(value.line());
  made.set_block(value.is_block());
  if (value.origin())
    made.set_origin(value.origin());
  value = std::move(made);
}

} // namespace

substituted substitute(const std::string& text, const environment& variables) {
  substituted result;
  std::string_view rest = text;
  while (!rest.empty()) {
    const auto start = rest.find("${");
    if (start == std::string_view::npos)
      break;
    if (start > 0 && rest[start - 1] == '$') { // "$${"
      result.text.append(rest.substr(0, start - 1)).append("${");
      result.changed = true;
      rest.remove_prefix(start + 2);
      continue;
    }
    result.text.append(rest.substr(0, start));
    rest.remove_prefix(start);
    const auto end = rest.find('}');
    if (end == std::string_view::npos) {
      if (rest.starts_with("${env:"))
        result.error = "${env: has no closing }";
      break;
    }
    auto found = parse(rest.substr(2, end - 2), result.error);
    if (!result.error.empty())
      return result;
    if (!found) {
      result.text.append(rest.substr(0, 2));
      rest.remove_prefix(2);
      continue;
    }
    auto set = variables(found->name);
    if (!set)
      set = found->otherwise;
    if (!set) {
      result.error = "environment variable " + found->name + " is not set";
      return result;
    }
    result.text.append(*set);
    result.changed = true;
    rest.remove_prefix(end + 1);
  }
  result.text.append(rest);
  return result;
}

void substitute(entry& e, const environment& variables, std::vector<diagnostic>& mistakes) {
  substitute_tree(e.meta, 0, e, variables, mistakes);
  substitute_tree(e.data, 0, e, variables, mistakes);
}

} // namespace natterjack::runtime
