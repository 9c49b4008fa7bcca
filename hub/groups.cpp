#include "hub/groups.hpp"

#include <algorithm>

namespace natterjack::hub {

bool groups::join(const std::string& name, const process_ref& member) {
  const auto id = member.self->id();
  auto* domain = member.self->domain();
  std::lock_guard guard(mutex_);
  auto& g = groups_[name];
  if (g.number == 0)
    g.number = ++last_number_;
  if (!g.members.emplace(id.number(), std::pair{id, domain}).second)
    return false;
  joined_[id.number()].push_back(name);
  if (domain == nullptr) {
    g.scheduled.push_back(id.number());
  } else {
    ++g.domains[domain];
    domain->join(g.number, member);
  }
  return true;
}

bool groups::drop(group& from, uint64_t member) {
  auto i = from.members.find(member);
  if (i == from.members.end())
    return false;
  if (auto* domain = i->second.second) {
    domain->leave(from.number, member);
    if (--from.domains[domain] == 0)
      from.domains.erase(domain);
  } else {
    std::erase(from.scheduled, member);
  }
  from.members.erase(i);
  return true;
}

bool groups::leave(const std::string& name, const pid& member) {
  std::lock_guard guard(mutex_);
  auto g = groups_.find(name);
  if (g == groups_.end() || !drop(g->second, member.number()))
    return false;
  auto own = joined_.find(member.number());
  std::erase(own->second, name);
  if (own->second.empty())
    joined_.erase(own);
  if (g->second.members.empty())
    groups_.erase(g);
  return true;
}

void groups::leave_all(const pid& member) noexcept {
  std::lock_guard guard(mutex_);
  auto own = joined_.find(member.number());
  if (own == joined_.end())
    return;
  for (auto& name : own->second) {
    auto g = groups_.find(name);
    drop(g->second, member.number());
    if (g->second.members.empty())
      groups_.erase(g);
  }
  joined_.erase(own);
}

size_t groups::broadcast(const std::string& name, const message_ptr& what) {
  size_t reached = 0;
  std::vector<uint64_t> scheduled;
  {
    std::lock_guard guard(mutex_);
    auto g = groups_.find(name);
    if (g == groups_.end())
      return 0;
    for (auto& [domain, count] : g->second.domains) {
      domain->deliver(g->second.number, what);
      reached += count;
    }
    scheduled = g->second.scheduled;
  }
  // Outside the lock: letting go of the last reference to a process makes it leave its groups.
  for (auto number : scheduled)
    if (auto member = processes_.find(number);
        member && member.self->deliver(what) == send_result::sent)
      ++reached;
  return reached;
}

std::vector<pid> groups::members(const std::string& name) const {
  std::vector<pid> result;
  std::lock_guard guard(mutex_);
  if (auto g = groups_.find(name); g != groups_.end())
    for (auto& [number, member] : g->second.members)
      result.push_back(member.first);
  return result;
}

std::vector<std::string> groups::names() const {
  std::vector<std::string> result;
  std::lock_guard guard(mutex_);
  for (auto& [name, g] : groups_)
    result.push_back(name);
  return result;
}

} // namespace natterjack::hub
