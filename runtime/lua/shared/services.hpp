// What modules reach beyond their own process: the parts of an application that Lua processes share.
//
// The wiring fills it before the first process starts. A test may leave everything as it is: then
// there are no entries, no stores and no functions, and modules say so.
#pragma once

#include "runtime/lua/shared/event_bus.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <typeindex>

namespace natterjack::runtime::lua {

class env_variables;
class entry_registry;
class function_pool;
class work_pool;

struct services {
  services();
  ~services();
  services(const services&) = delete;
  services& operator=(const services&) = delete;

  /// Entry id -> its pool, made when first asked for; null: no such `function.lua`.
  std::function<std::shared_ptr<function_pool>(const std::string& entry_id)> find_function;

  event_bus events;
  std::unique_ptr<work_pool> work; ///< for what blocks: databases, files, standard input
  std::unique_ptr<entry_registry> entries;
  std::unique_ptr<env_variables> env;

  /// The one service of this type, made when first asked for: what only one module knows.
  template <class T> T& of() {
    std::lock_guard guard(mutex_);
    auto& made = others_[std::type_index(typeid(T))];
    if (!made)
      made = std::make_shared<T>();
    return *static_cast<T*>(made.get());
  }

 private:
  std::mutex mutex_;
  std::map<std::type_index, std::shared_ptr<void>> others_;
};

} // namespace natterjack::runtime::lua
