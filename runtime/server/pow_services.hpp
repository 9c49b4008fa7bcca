// The pow.service entries of an application: jobs, authorization, routes, their end.
//
//   constructor   makes the services; nothing runs yet
//   mount         routes into the gateways, before they open
//   shut_down     no new jobs; REST jobs are cancelled, websocket jobs go on
//   end_jobs      cancels what still runs, then ends it by force; bounded
//   stop          ends the authorization functions
#pragma once

#include "actors/pow/service.hpp"
#include "relay/gateway.hpp"
#include "runtime/config/options/options.hpp"
#include "runtime/lua/function_pool.hpp"
#include "runtime/server/lua_programs.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// What is wrong with a command, for `natterjack check`.
std::optional<exec_error> check_pow_exec(const pow_exec_entry& entry);

class pow_services {
 public:
  /// @throws std::invalid_argument  a command that cannot be offered; check_pow_exec tells before
  pow_services(const application_options& options, const lua_programs& programs,
               lua::lua_runtime& lua, relay::io_pool& threads);
  ~pow_services();

  void mount(const std::map<std::string, relay::gateway*>& gateways);

  void shut_down();
  /// Jobs that have not ended.
  size_t jobs() const noexcept;
  void cancel_all();
  void kill_all();
  void stop();

 private:
  struct mounted {
    std::string server_id;
    std::unique_ptr<pow::service> service;
  };
  std::vector<mounted> services_;
  std::map<std::string, std::shared_ptr<lua::function_pool>> pools_; // by function id
};

} // namespace natterjack::runtime
