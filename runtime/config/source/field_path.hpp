// Sets a field of an entry by its dotted path, as overrides and requirements do.
//
//   path      limits.ping_interval, meta.router, input.0, options.cors.allow.origins
//   free keys of options and imports may hold dots: the rest of the path is one key
#pragma once

#include "runtime/config/entry.hpp"

#include <string>
#include <string_view>

namespace natterjack::runtime {

/// Makes the maps in between when they are not there.
/// @returns why it cannot be set; empty when it was
std::string set_field(entry& e, std::string_view path, config_value value);

} // namespace natterjack::runtime
