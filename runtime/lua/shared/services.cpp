#include "runtime/lua/shared/services.hpp"

#include "runtime/lua/shared/entry_registry.hpp"
#include "runtime/lua/shared/work_pool.hpp"
#include "runtime/lua/storage/env_variables.hpp"

namespace natterjack::runtime::lua {

services::services()
    : work(std::make_unique<work_pool>()), entries(std::make_unique<entry_registry>()),
      env(std::make_unique<env_variables>()) {
}

services::~services() = default;

} // namespace natterjack::runtime::lua
