// Process Over Websocket: named jobs behind one base path, over websocket and REST.
//
//   below the base path   plain HTTP           websocket upgrade, whatever the path
//   new, status/{id}, input/{id}, closeInput/{id}, cancel/{id}, openapi.json, docs/
//
//   mount      routes into a gateway that may have others
//   shutdown   new upgrades 503, `new` 500; REST jobs are cancelled, websocket jobs go on; then `drained`
//              tells when all have ended, `cut` ends what is left
#pragma once

#include "actors/pow/service_options.hpp"
#include "relay/http/router.hpp"
#include "relay/io_pool.hpp"

#include <memory>

namespace natterjack::pow {

class service {
 public:
  /// @throws std::invalid_argument  limits below their minimum (REST: 60 s, 1000 lines)
  service(hub::node& node, relay::io_pool& threads, service_options options);
  ~service();
  service(const service&) = delete;
  service& operator=(const service&) = delete;

  /// Adds the routes of the base path.
  /// @param whole_gateway  answers every other path of the gateway too, with 404
  void mount(relay::router& routes, bool whole_gateway = false);
  /// Adds a path of the gateway's own, such as a probe: `handler` answers GET, but a websocket is taken
  /// there as on every path below the base.
  void mount_beside(relay::router& routes, const char* path, relay::http_handler handler);
  /// Takes a path that the gateway would have for itself: it is like any other then.
  void mount_over(relay::router& routes, const char* path);

  const std::string& base_path() const noexcept;
  /// Jobs that have not ended.
  size_t jobs() const noexcept;

  /// Begins the shutdown; returns at once. Thread-safe, idempotent.
  void shut_down();
  bool drained() const noexcept { return jobs() == 0; }
  /// Cancels what still runs with "server closing" and tells it to end.
  void cancel_all();
  /// Ends what still runs by force.
  void kill_all();

 private:
  struct state;
  std::shared_ptr<state> state_;
};

} // namespace natterjack::pow
