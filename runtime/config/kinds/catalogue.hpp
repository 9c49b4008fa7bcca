// Names that applications use and the binary provides: Lua modules, middleware and their options.
//
//   known, available        may be used
//   known, not available    belongs to the dialect, is not built: an error that says so
//   unknown                 a mistake: an error with the nearest right name
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct catalogue_item {
  std::string_view name;
  bool is_available = false;
};

/// Lua modules (`modules:`, `require`).
const std::vector<catalogue_item>& known_modules();
/// Middleware of routers and static files.
const std::vector<catalogue_item>& known_middleware();
/// Keys of `options` that some middleware reads.
const std::vector<catalogue_item>& known_middleware_options();

const catalogue_item* find_item(const std::vector<catalogue_item>& all, std::string_view name);
std::vector<std::string> available_names(const std::vector<catalogue_item>& all);
std::vector<std::string> all_names(const std::vector<catalogue_item>& all);

} // namespace natterjack::runtime
