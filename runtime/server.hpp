// A running application: node, threads, gateways, services; started in order, ended in order.
//
//   start   binds every address, starts the services, then accepts
//   drain   readiness off, no accepts, CANCEL to services, 1001 to clients, bounded waits
//   states  made -> started -> drained
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/options.hpp"

#include <functional>
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

  /// Starts what `-x` or a command names, once everything else runs.
  /// @param when_done  from another thread: it has ended, well or not
  /// @throws std::runtime_error  there is no such process or host
  void run_command(std::function<void(bool good)> when_done);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::runtime
