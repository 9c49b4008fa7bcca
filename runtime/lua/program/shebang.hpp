// The first line of a script that a shell could start.
#pragma once

#include <algorithm>
#include <string_view>

namespace natterjack::runtime::lua {

/// The text without a first line such as `#!/usr/bin/lua`. Its line break stays, so that lines keep their
/// numbers.
inline std::string_view without_shebang(std::string_view source) noexcept {
  if (source.starts_with('#'))
    source.remove_prefix(std::min(source.find('\n'), source.size()));
  return source;
}

} // namespace natterjack::runtime::lua
