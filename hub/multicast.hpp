// One message to many processes: one element for each io thread, one delivery for each other process.
//
//   add, process     in the order they shall be reached
//   send, message    number of processes reached
#pragma once

#include "hub/groups.hpp"

#include <vector>

namespace natterjack::hub {

class multicast {
 public:
  void add(process_ref who);
  /// Sends to all that were added, and forgets them.
  size_t send(const message_ptr& what);

 private:
  struct share {
    delivery_domain* domain;
    std::vector<process_ref> members;
  };
  std::vector<share> shares_; // as many as io threads: a handful
  std::vector<process_ref> scheduled_;
};

} // namespace natterjack::hub
