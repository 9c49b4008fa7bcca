// The pools behind the application's functions: endpoints, consumers and scripts call the same states.
//
//   get       the pool of a version's code: one that runs already if the code is the same, else a new one
//   exchange  a new version has taken over: what it left behind answers its last calls and ends
//
//   A version that is being prepared keeps its pools in a map of its own until it is known to work.
#pragma once

#include "runtime/lua/function_pool.hpp"
#include "runtime/server/application_version.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace natterjack::hub {
class node;
}

namespace natterjack::runtime {

/// A pool, and the version of the code it runs.
struct pooled_function {
  std::string version;
  std::shared_ptr<lua::function_pool> pool;
};

using pool_map = std::map<std::string, pooled_function>;

class function_pools {
 public:
  function_pools(lua::lua_runtime& runtime, hub::node& node) : lua_(runtime), node_(node) {}

  /// Thread-safe. @returns null if this version has no such function
  std::shared_ptr<lua::function_pool> get(const application_version& from,
                                          const std::string& function_id);
  /// The same into the map of a version that does not run yet.
  std::shared_ptr<lua::function_pool> prepare(const application_version& from,
                                              const std::string& function_id, pool_map& into);

  /// The pools that `next` has prepared run from now on; functions that only scripts call go on if
  /// their code is the same. @returns what has changed, a text each
  std::vector<std::string> exchange(const application_version& next, pool_map prepared);
  /// Ends what a version has prepared that will not run.
  void discard(const pool_map& prepared);

  /// Ends all workers; calls that run or wait are answered with errors.
  void stop();

 private:
  std::shared_ptr<lua::function_pool> find_or_make(const application_version& from,
                                                   const std::string& function_id, pool_map& into);

  lua::lua_runtime& lua_;
  hub::node& node_;
  std::mutex mutex_;
  pool_map running_;
  std::vector<std::shared_ptr<lua::function_pool>> retired_; // their last calls may still run
};

} // namespace natterjack::runtime
