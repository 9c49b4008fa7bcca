#include "hub/name_registry.hpp"

namespace natterjack::hub {

register_result name_registry::add(const std::string& name, const pid& owner, size_t names_max) {
  watchers told; // outside the lock: who is told may look names up
  {
    std::lock_guard guard(mutex_);
    if (auto i = holders_.find(name); i != holders_.end())
      return i->second == owner ? register_result::registered : register_result::taken;
    if (!processes_.contains(owner.number())) // its names are gone, or wait for the lock to go
      return register_result::no_process;
    auto& own = names_[owner.number()];
    if (own.size() >= names_max)
      return register_result::too_many;
    holders_.emplace(name, owner);
    own.push_back(name);
    if (auto i = watched_.find(name); i != watched_.end()) {
      told = std::move(i->second);
      watched_.erase(i);
      for (const auto& [number, tell] : told)
        watched_by_.erase(number);
    }
  }
  for (const auto& [number, tell] : told)
    tell(owner);
  return register_result::registered;
}

void name_registry::hand_over(const std::vector<std::string>& names, const pid& from,
                              const pid& to) {
  std::lock_guard guard(mutex_);
  if (!processes_.contains(to.number()))
    return;
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
      const auto watched = watched_.try_emplace(name).first;
      watched->second.emplace(++last_watcher_, std::move(tell));
      watched_by_.emplace(last_watcher_, watched);
      return last_watcher_;
    }
    holder = i->second;
  }
  tell(holder);
  return 0;
}

void name_registry::unwatch(uint64_t number) {
  std::lock_guard guard(mutex_);
  const auto i = watched_by_.find(number);
  if (i == watched_by_.end())
    return;
  const auto watched = i->second;
  watched_by_.erase(i);
  watched->second.erase(number);
  if (watched->second.empty())
    watched_.erase(watched);
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
