// Members of a group on one io thread: who joins is last, who leaves is found by number.
#include "relay/io_thread.hpp"

#include <utility>

namespace natterjack::relay {

// The order of members is nobody's business: the last one takes the place of one that leaves.
void io_thread::group::add(hub::process_ref member) {
  place_of[member.self->id().number()] = members.size();
  members.push_back(std::move(member));
}

void io_thread::group::remove(uint64_t member) {
  const auto found = place_of.find(member);
  if (found == place_of.end())
    return;
  const auto place = found->second;
  place_of.erase(found);
  if (place + 1 != members.size()) {
    members[place] = std::move(members.back());
    place_of[members[place].self->id().number()] = place;
  }
  members.pop_back();
}

} // namespace natterjack::relay
