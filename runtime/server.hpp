// A running application: node, threads, gateways, services; started in order, ended in order.
//
//   start   binds every address, starts the services, then accepts
//   drain   readiness off, no accepts, CANCEL to services, 1001 to clients, bounded waits
//   states  made -> started -> drained
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/options.hpp"

#include <memory>

namespace natterjack::runtime {

class server {
 public:
  /// @throws std::exception  what cannot be set up
  server(const command_line& line, application_options options);
  ~server();

  /// @throws std::system_error  an address that cannot be bound; nothing has been started then
  void start();
  void drain();

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::runtime
