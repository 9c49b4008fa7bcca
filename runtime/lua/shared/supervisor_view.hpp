// What `system.supervisor` shows of the application's services; the wiring sets it.
#pragma once

#include "hub/payload.hpp"

#include <functional>
#include <string>

namespace natterjack::runtime::lua {

struct supervisor_view {
  /// JSON list of {id, status, desired, retry_count, pid?, details?}; from any thread.
  std::function<hub::payload()> states;
  /// One of them; nil: nothing of this id is started by the application.
  std::function<hub::payload(const std::string& id)> state;
};

} // namespace natterjack::runtime::lua
