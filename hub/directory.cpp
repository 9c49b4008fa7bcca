#include "hub/directory.hpp"

namespace natterjack::hub {

void directory::enter(const pid& id, caf::actor_control_block* actor, process* self) {
  auto& s = of(id.number());
  std::lock_guard guard(s.mutex);
  s.slots.insert_or_assign(id.number(), slot{caf::weak_actor_ptr{actor}, self});
}

void directory::erase(uint64_t number) noexcept {
  auto& s = of(number);
  std::lock_guard guard(s.mutex);
  s.slots.erase(number);
}

process_ref directory::find(uint64_t number) const {
  auto& s = of(number);
  std::lock_guard guard(s.mutex);
  if (auto i = s.slots.find(number); i != s.slots.end())
    if (auto actor = i->second.actor.lock())
      return {std::move(actor), i->second.self};
  return {};
}

bool directory::contains(uint64_t number) const {
  auto& s = of(number);
  std::lock_guard guard(s.mutex);
  return s.slots.contains(number);
}

size_t directory::size() const {
  size_t sum = 0;
  for (auto& s : shards_) {
    std::lock_guard guard(s.mutex);
    sum += s.slots.size();
  }
  return sum;
}

std::vector<process_ref> directory::all() const {
  std::vector<process_ref> result;
  for (auto& s : shards_) {
    std::lock_guard guard(s.mutex);
    for (auto& [number, entered] : s.slots)
      if (auto actor = entered.actor.lock())
        result.push_back({std::move(actor), entered.self});
  }
  return result;
}

} // namespace natterjack::hub
