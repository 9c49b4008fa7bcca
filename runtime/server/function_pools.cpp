#include "runtime/server/function_pools.hpp"

#include "hub/node.hpp"
#include "runtime/server/lua_bounds.hpp"

#include <algorithm>
#include <utility>

namespace natterjack::runtime {

namespace {

std::string code_version(const application_version& from, const std::string& function_id) {
  return from.entries.at(function_id) + version_of(*from.programs.functions.at(function_id));
}

} // namespace

std::shared_ptr<lua::function_pool> function_pools::get(const application_version& from,
                                                        const std::string& function_id) {
  if (!from.programs.functions.contains(function_id))
    return nullptr;
  std::lock_guard guard(mutex_);
  return find_or_make(from, function_id, running_);
}

std::shared_ptr<lua::function_pool> function_pools::prepare(const application_version& from,
                                                            const std::string& function_id,
                                                            pool_map& into) {
  std::lock_guard guard(mutex_);
  return find_or_make(from, function_id, into);
}

std::shared_ptr<lua::function_pool>
function_pools::find_or_make(const application_version& from, const std::string& function_id,
                             pool_map& into) {
  auto& slot = into[function_id];
  if (slot.pool)
    return slot.pool;
  // The whole text of the function and its imports: not for each call.
  const auto version = code_version(from, function_id);
  if (auto running = running_.find(function_id);
      running != running_.end() && running->second.version == version)
    slot = running->second;
  if (!slot.pool) {
    auto entry = std::find_if(from.options.functions.begin(), from.options.functions.end(),
                              [&function_id](const auto& f) { return f.id == function_id; });
    slot = {version,
            lua::function_pool::make(lua_, from.programs.functions.at(function_id),
                                     node_.host("system:functions"), to_lua(entry->pool))};
  }
  return slot.pool;
}

std::vector<std::string> function_pools::exchange(const application_version& next,
                                                  pool_map prepared) {
  std::vector<std::string> changes;
  std::lock_guard guard(mutex_);
  // Let go of old pools whose last calls have ended, unless somebody else still holds one and could call it.
  std::erase_if(retired_,
                [](const auto& old) { return old.use_count() == 1 && old->workers() == 0; });
  for (const auto& [id, running] : running_)
    if (next.programs.functions.contains(id) && !prepared.contains(id) &&
        running.version == code_version(next, id))
      prepared.emplace(id, running);
  for (auto& [id, old] : std::exchange(running_, std::move(prepared))) {
    const auto now = running_.find(id);
    if (now != running_.end() && now->second.pool == old.pool)
      continue;
    old.pool->retire();
    retired_.push_back(old.pool);
    // Those that only scripts and consumers call are made again at their next call.
    changes.push_back(id + (next.programs.functions.contains(id) ? " replaced" : " removed"));
  }
  return changes;
}

void function_pools::discard(const pool_map& prepared) {
  std::lock_guard guard(mutex_);
  for (const auto& [id, made] : prepared)
    if (auto running = running_.find(id);
        made.pool && (running == running_.end() || running->second.pool != made.pool))
      made.pool->stop();
}

void function_pools::stop() {
  pool_map running;
  std::vector<std::shared_ptr<lua::function_pool>> retired;
  {
    std::lock_guard guard(mutex_);
    running = running_;
    retired = retired_;
  }
  for (auto& [id, pooled] : running)
    pooled.pool->stop();
  for (auto& pool : retired)
    pool->stop();
}

} // namespace natterjack::runtime
