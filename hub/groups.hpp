// Named sets of processes: one message to all members.
//
//   call                     result                        when
//   join, name, member       true                          it was not a member yet, and has not ended
//   leave, name, member      true                          it was a member
//   broadcast, name, message number of members reached     always; 0 for an unknown name
//
//   never  encodes a message more than once, sends more than one message to an io thread
//
// Members that live on an io thread are listed at that thread (`delivery_domain`); joins, leaves and
// broadcasts go through the thread's own queue, so they keep their order among direct sends.
//
//   threads   `groups` from any thread; a `delivery_domain` is called with its lock held: it queues, and
//             calls nobody
#pragma once

#include "hub/directory.hpp"
#include "hub/message.hpp"

#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

namespace natterjack::hub {

class delivery_domain {
 public:
  virtual ~delivery_domain() = default;
  virtual void join(uint64_t group, process_ref member) = 0;
  virtual void leave(uint64_t group, uint64_t member) = 0;
  /// One message to all members of the group on this thread.
  virtual void deliver(uint64_t group, message_ptr what) = 0;
  /// One message to these processes, which all live on this thread.
  virtual void deliver(std::vector<process_ref> members, message_ptr what) = 0;
};

class groups {
 public:
  explicit groups(const directory& processes) : processes_(processes) {}

  bool join(const std::string& name, const process_ref& member);
  bool leave(const std::string& name, const pid& member);
  /// A process that ends leaves all its groups.
  void leave_all(const pid& member) noexcept;
  size_t broadcast(const std::string& name, const message_ptr& what);
  /// Sorted by number, so in order of birth.
  std::vector<pid> members(const std::string& name) const;
  std::vector<std::string> names() const;

 private:
  struct member_facts {
    const host_name* where;
    delivery_domain* domain;
  };
  struct group {
    uint64_t number = 0;
    std::unordered_map<uint64_t, member_facts> members; // by their numbers
    std::map<delivery_domain*, size_t> domains;   // members on each
    std::vector<uint64_t> scheduled;              // members without a domain
  };
  using named_group = std::pair<const std::string, group>;
  bool drop(group& from, uint64_t member);
  void erase_if_empty(const named_group& which);

  const directory& processes_;
  mutable std::mutex mutex_;
  uint64_t last_number_ = 0;
  std::map<std::string, group, std::less<>> groups_;
  std::unordered_multimap<uint64_t, named_group*> joined_; // by numbers of members
};

} // namespace natterjack::hub
