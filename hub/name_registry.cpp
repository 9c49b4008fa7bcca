#include "hub/name_registry.hpp"

#include <algorithm>

namespace natterjack::hub {

register_result name_registry::add(const std::string& name, const pid& owner, size_t names_max) {
  std::vector<watcher> told; // outside the lock: who is told may look names up
  {
    std::lock_guard guard(mutex_);
    if (auto i = holders_.find(name); i != holders_.end())
      return i->second == owner ? register_result::registered : register_result::taken;
    auto& own = names_[owner.number()];
    if (own.size() >= names_max)
      return register_result::too_many;
    holders_.emplace(name, owner);
    own.push_back(name);
    if (auto i = watchers_.find(name); i != watchers_.end()) {
      told = std::move(i->second);
      watchers_.erase(i);
    }
  }
  for (auto& one : told)
    one.tell(owner);
  return register_result::registered;
}

void name_registry::hand_over(const std::vector<std::string>& names, const pid& from,
                              const pid& to) {
  std::lock_guard guard(mutex_);
  for (const auto& name : names) {
    auto i = holders_.find(name);
    if (i == holders_.end() || i->second != from)
      continue;
    i->second = to;
    auto& before = names_[from.number()];
    std::erase(before, name);
    if (before.empty())
      names_.erase(from.number());
    names_[to.number()].push_back(name);
  }
}

uint64_t name_registry::watch(const std::string& name, std::function<void(const pid&)> tell) {
  pid holder;
  {
    std::lock_guard guard(mutex_);
    auto i = holders_.find(name);
    if (i == holders_.end()) {
      watchers_[name].push_back({++last_watcher_, std::move(tell)});
      return last_watcher_;
    }
    holder = i->second;
  }
  tell(holder);
  return 0;
}

void name_registry::unwatch(uint64_t number) {
  std::lock_guard guard(mutex_);
  for (auto i = watchers_.begin(); i != watchers_.end(); ++i)
    if (std::erase_if(i->second, [number](const watcher& w) { return w.number == number; }) != 0) {
      if (i->second.empty())
        watchers_.erase(i);
      return;
    }
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
