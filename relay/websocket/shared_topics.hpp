// What connections tell their hubs of, one copy a thread: connections on several threads must not meet at
// a count.
#pragma once

#include "hub/relay_topics.hpp"
#include "hub/shared_bytes.hpp"

namespace natterjack::relay {

struct shared_topics {
  const hub::shared_bytes join{hub::join_topic};
  const hub::shared_bytes message{hub::message_topic};
  const hub::shared_bytes heartbeat{hub::heartbeat_topic};
  const hub::shared_bytes leave{hub::leave_topic};

  static const shared_topics& of_this_thread() {
    thread_local const shared_topics topics;
    return topics;
  }
};

} // namespace natterjack::relay
