// The services of a version of the application, ready to be started: which process, with what, how often.
#pragma once

#include "runtime/server/application_version.hpp"
#include "runtime/supervision/service_group.hpp"

#include <memory>
#include <vector>

namespace natterjack::hub {
class node;
}

namespace natterjack::runtime {

namespace lua {
class lua_runtime;
}

/// @param version  kept by the plans; so are `node` and `lua`, which must outlive what is started
/// @returns in the order of starting
std::vector<planned_service> plan_services(std::shared_ptr<const application_version> version,
                                           hub::node& node, lua::lua_runtime& lua);

} // namespace natterjack::runtime
