// Checks what lies between entries, once each of them was looked at alone.
//
//   finds    references to nobody or to the wrong kind, circles of dependencies and imports, routes
//            that collide, folders that are missing, limits that contradict each other, endpoints
//            and services nothing would start
#pragma once

#include "runtime/config/application.hpp"

namespace natterjack::runtime {

/// Adds to the application's diagnostics and warnings.
void check_relations(application& app);

} // namespace natterjack::runtime
