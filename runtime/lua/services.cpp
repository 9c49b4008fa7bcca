#include "runtime/lua/services.hpp"

#include "runtime/lua/entry_registry.hpp"
#include "runtime/lua/env_variables.hpp"
#include "runtime/lua/work_pool.hpp"

namespace natterjack::runtime::lua {

services::services()
    : work(std::make_unique<work_pool>()), entries(std::make_unique<entry_registry>()),
      env(std::make_unique<env_variables>()) {
}

services::~services() = default;

} // namespace natterjack::runtime::lua
