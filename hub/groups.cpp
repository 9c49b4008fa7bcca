#include "hub/groups.hpp"

#include <algorithm>

namespace natterjack::hub {

bool groups::join(const std::string& name, const process_ref& member) {
  const auto id = member.self->id();
  auto* domain = member.self->domain();
  std::lock_guard guard(mutex_);
  if (!processes_.contains(id.number())) // it has left its groups, or waits for the lock to do so
    return false;
  auto& named = *groups_.try_emplace(name).first;
  auto& g = named.second;
  if (g.number == 0)
    g.number = ++last_number_;
  if (!g.members.try_emplace(id.number(), member_facts{id.where(), domain}).second)
    return false;
  joined_.emplace(id.number(), &named);
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
  if (auto* domain = i->second.domain) {
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
  const auto [begin, end] = joined_.equal_range(member.number());
  joined_.erase(std::find_if(begin, end, [&g](const auto& own) { return own.second == &*g; }));
  erase_if_empty(*g);
  return true;
}

void groups::leave_all(const pid& member) noexcept {
  std::lock_guard guard(mutex_);
  const auto [begin, end] = joined_.equal_range(member.number());
  for (auto own = begin; own != end; ++own) {
    drop(own->second->second, member.number());
    erase_if_empty(*own->second);
  }
  joined_.erase(begin, end);
}

void groups::erase_if_empty(const named_group& which) {
  if (which.second.members.empty())
    groups_.erase(groups_.find(which.first));
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
      result.emplace_back(member.where, number);
  std::sort(result.begin(), result.end());
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
