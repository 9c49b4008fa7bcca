#include "hub/registration.hpp"

#include <map>
#include <stdexcept>

namespace natterjack::hub {

namespace {

// Inside a function: classes register before main, in an order nobody knows.
std::map<std::string, hub_class, std::less<>>& classes() {
  static std::map<std::string, hub_class, std::less<>> known;
  return known;
}

} // namespace

bool add_hub_class(hub_class what) {
  if (what.name.empty())
    throw std::logic_error("a hub class needs a name");
  auto name = what.name;
  if (!classes().emplace(name, std::move(what)).second)
    throw std::logic_error("two hub classes are registered as \"" + name + "\"");
  return true;
}

const hub_class* find_hub_class(std::string_view name) noexcept {
  const auto i = classes().find(name);
  return i == classes().end() ? nullptr : &i->second;
}

std::vector<std::string> hub_class_names() {
  std::vector<std::string> names;
  for (const auto& [name, what] : classes())
    names.push_back(name);
  return names;
}

} // namespace natterjack::hub
