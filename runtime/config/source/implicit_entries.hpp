// Entries that exist because others need them: system:processes, system:gateway, system:api.
//
//   system:processes   process.host                                  referred to
//   system:api         http.router, prefix /api/v1, middleware       referred to, or an endpoint
//                      cors and websocket_relay                      without meta.router
//   system:gateway     http.service on 127.0.0.1:8082                referred to, or a pow.service
//                                                                  without a gateway
//
//   never made when the application has an entry of that id itself
#pragma once

#include "runtime/config/application.hpp"

#include <functional>
#include <string>
#include <vector>

namespace natterjack::runtime {

inline constexpr const char* implicit_host = "system:processes";
inline constexpr const char* implicit_gateway = "system:gateway";
inline constexpr const char* implicit_router = "system:api";

/// Entry as it is before overrides; `id` is one of the three.
entry make_implicit(const std::string& id);

/// Puts endpoints without `meta.router` on system:api and marks them as guide dialect.
void place_endpoints(application& app);

/// Makes a http.service of its own for each amqp.bridge with `addr`.
void place_amqp_bridges(application& app);

/// Puts pow.service entries without a gateway on system:gateway.
void place_pow_services(application& app);

/// Adds what is needed and not there.
/// @param complete  called with each made entry before what it refers to is looked at
void add_implicit(application& app, const std::function<void(entry&)>& complete);

} // namespace natterjack::runtime
