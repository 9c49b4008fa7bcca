// The bridge's part that is an actor: one more member of the group, so that what it keeps is in
// order with what the clients get.
//
//   keeps   the last replies, as many as the options say; who listens; calls to make later
//   thread  the bridge's
#pragma once

#include "actors/amqp/bridge.hpp"
#include "actors/amqp/delayed_calls.hpp"

#include <deque>
#include <map>

namespace natterjack::amqp {

class bridge::desk {
 public:
  desk(relay::io_thread& thread, const bridge_options& options)
      : delayed(thread), options_(options) {}

  /// Starts the actor, which holds `content`; sets its `handle`.
  static hub::process_ref start(const std::shared_ptr<desk>& content, relay::io_thread& thread,
                                hub::node& node);

  void take(const reply_ptr& what);
  void tell(const link_event& event);
  std::vector<reply_ptr> last(size_t count) const;

  delayed_calls delayed;
  uint64_t last_seen = 0;
  uint64_t last_listener = 0;
  std::map<uint64_t, reply_listener> listeners;
  std::map<uint64_t, std::function<void(const link_event&)>> link_listeners;
  caf::strong_actor_ptr handle; // of the actor that holds this; the bridge's alone, from start to stop

 private:
  class actor;

  const bridge_options& options_;
  std::deque<reply_ptr> history_;
  size_t history_bytes_ = 0;
};

} // namespace natterjack::amqp
