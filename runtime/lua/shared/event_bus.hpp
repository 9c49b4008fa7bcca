// Events of the application: who sends names a system, a kind and a path; who subscribes names
// patterns of the first two. Best effort: a subscriber whose mailbox is full misses some.
//
//   subscribe, system, kind, address    number            items: {system, kind, path, data}
//   unsubscribe, number                 -                 idempotent
//   send, system, kind, path, data      subscribers reached
//
//   never   waits for a subscriber, keeps one that has ended (it is dropped when it is next met)
#pragma once

#include "runtime/lua/reply.hpp"

#include <map>
#include <mutex>
#include <string>

namespace natterjack::runtime::lua {

class event_bus {
 public:
  /// @param system  pattern: `*` any characters, `?` one
  /// @param kind    pattern, or empty for all
  uint64_t subscribe(std::string system, std::string kind, const reply_address& to);
  void unsubscribe(uint64_t number);
  /// @param data  anything; nil: the event has no data
  size_t send(std::string_view system, std::string_view kind, std::string_view path,
              const hub::payload& data);
  size_t size() const;

 private:
  struct subscription {
    std::string system, kind;
    reply_address to;
  };
  mutable std::mutex mutex_;
  uint64_t last_ = 0;
  std::map<uint64_t, subscription> subscriptions_;
};

} // namespace natterjack::runtime::lua
