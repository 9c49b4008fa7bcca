// A running application: node, threads, gateways, services; started in order, ended in order.
//
//   start   binds every address, starts the services, then accepts
//   reload  takes over what has changed on disk; a broken folder changes nothing
//   drain   readiness off, no accepts, CANCEL to services, 1001 to clients, bounded waits
//   states  made -> started -> drained
#pragma once

#include "runtime/command_line.hpp"
#include "runtime/config/application.hpp"

#include <functional>
#include <memory>

namespace natterjack::runtime {

/// @returns the number of threads that was asked for; 0: one for each core
size_t cores_or(size_t wanted);

class server {
 public:
  /// @param load  reads the application's folder once more, for `reload`
  /// @throws std::exception  what cannot be set up
  server(const command_line& line, const application& app, std::function<application()> load);
  ~server();

  /// @param give_up  looked at when all services wait: true, and no gateway accepts any more
  /// @throws std::system_error  an address that cannot be bound; nothing has been started then
  void start(const std::function<bool()>& give_up);
  /// Reads the folder again and takes over what has changed; the log says what.
  /// @param give_up  looked at while services start: true ends the waiting
  void reload(const std::function<bool()>& give_up);
  void drain();

  /// Starts the process that `-x` names, once everything else runs.
  /// @param when_done  from another thread: it has ended; 1 if it failed or returned false, else the
  ///                   whole number that it returned, or 0
  /// @throws std::runtime_error  there is no such process or host, or the host is full
  void run_command(std::function<void(int exit_code)> when_done);

 private:
  struct state;
  std::unique_ptr<state> state_;
};

} // namespace natterjack::runtime
