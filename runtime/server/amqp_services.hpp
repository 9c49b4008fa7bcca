// The amqp.bridge, amqp.actor and amqp.feed entries of an application: connections, addresses,
// routes for websocket clients, actors of ours, queues for processes.
//
//   constructor     makes the bridges; nothing connects yet
//   mount           their websocket routes, before the gateways open
//   start_bridges   connects; from here on processes reach `amqp:NAME` and may publish
//   start_actors    actors and feeds, once the processes that serve them run
//   stop            fails what runs, gives the names back, hangs up; idempotent, bounded
//
//   a broker that is not there    is tried again for ever; the application runs
//   a broker that refuses         std::runtime_error with its words and the entry's file and line
#pragma once

#include "runtime/config/options/options.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::hub {
class node;
}
namespace natterjack::relay {
class gateway;
class io_pool;
} // namespace natterjack::relay

namespace natterjack::runtime {

/// What `natterjack check` asks the AMQP library.
amqp_check make_amqp_check();

class amqp_services {
 public:
  /// @throws std::runtime_error  this binary was built without the bridge, and entries need it
  amqp_services(const application_options& options, hub::node& node, relay::io_pool& threads);
  ~amqp_services();

  void mount(const std::map<std::string, relay::gateway*>& gateways);
  void start_bridges();
  void start_actors();
  void stop();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::runtime
