// The services of an application as scripts see them, for `system.supervisor`.
#pragma once

#include "runtime/config/options/options.hpp"
#include "runtime/lua/shared/services.hpp"
#include "runtime/supervision/service_group.hpp"

namespace natterjack::runtime {

/// Sets `supervisor_view` of `to`. `group` and `options` must outlive the processes.
/// A service that waits for its next attempt shows as failed; hosts and gateways run as long as the
/// program does.
void show_services(const service_group& group, const application_options& options,
                   lua::services& to);

} // namespace natterjack::runtime
