#include "hub/name_registry.hpp"

#include <algorithm>

namespace natterjack::hub {

register_result name_registry::add(const std::string& name, const pid& owner, size_t names_max) {
  std::lock_guard guard(mutex_);
  if (auto i = holders_.find(name); i != holders_.end())
    return i->second == owner ? register_result::registered : register_result::taken;
  auto& own = names_[owner.number()];
  if (own.size() >= names_max)
    return register_result::too_many;
  holders_.emplace(name, owner);
  own.push_back(name);
  return register_result::registered;
}

std::optional<pid> name_registry::lookup(const std::string& name) const {
  std::lock_guard guard(mutex_);
  if (auto i = holders_.find(name); i != holders_.end())
    return i->second;
  return std::nullopt;
}

bool name_registry::remove(const std::string& name) {
  std::lock_guard guard(mutex_);
  auto i = holders_.find(name);
  if (i == holders_.end())
    return false;
  auto own = names_.find(i->second.number());
  std::erase(own->second, name);
  if (own->second.empty())
    names_.erase(own);
  holders_.erase(i);
  return true;
}

void name_registry::remove_all(const pid& owner) noexcept {
  std::lock_guard guard(mutex_);
  auto own = names_.find(owner.number());
  if (own == names_.end())
    return;
  for (auto& name : own->second)
    holders_.erase(name);
  names_.erase(own);
}

std::vector<std::string> name_registry::names_of(const pid& owner) const {
  std::lock_guard guard(mutex_);
  auto own = names_.find(owner.number());
  return own == names_.end() ? std::vector<std::string>{} : own->second;
}

std::vector<std::pair<std::string, pid>> name_registry::all() const {
  std::lock_guard guard(mutex_);
  return {holders_.begin(), holders_.end()};
}

} // namespace natterjack::hub
