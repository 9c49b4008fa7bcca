#include "hub/multicast.hpp"

#include <algorithm>

namespace natterjack::hub {

void multicast::add(process_ref who) {
  auto* domain = who.self->domain();
  if (domain == nullptr) {
    scheduled_.push_back(std::move(who));
    return;
  }
  auto i = std::find_if(shares_.begin(), shares_.end(),
                        [domain](const auto& s) { return s.domain == domain; });
  if (i == shares_.end())
    i = shares_.insert(i, share{domain, {}});
  i->members.push_back(std::move(who));
}

size_t multicast::send(const message_ptr& what) {
  size_t reached = 0;
  for (auto& one : shares_) {
    reached += one.members.size();
    one.domain->deliver(std::move(one.members), what);
  }
  for (auto& who : scheduled_)
    if (who.self->deliver(what) == send_result::sent)
      ++reached;
  shares_.clear();
  scheduled_.clear();
  return reached;
}

} // namespace natterjack::hub
