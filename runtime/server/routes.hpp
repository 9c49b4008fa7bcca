// Routers, endpoints and static folders of an application as routes of its gateways.
#pragma once

#include "relay/gateway.hpp"
#include "runtime/config/options/options.hpp"
#include "runtime/lua/shared/services.hpp"

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::runtime {

/// Gives the handler of a function entry.
using handler_of = std::function<relay::http_handler(const std::string& function_id)>;

/// Fills the routes of every gateway.
/// @param allow_origins  of `--allow-origins`: for the implicit router
/// @param shared         whose tokens and policies middleware asks
void add_routes(const application_options& options,
                const std::map<std::string, relay::gateway*>& gateways,
                const handler_of& make_handler, const std::optional<std::string>& allow_origins,
                lua::services& shared);

} // namespace natterjack::runtime
