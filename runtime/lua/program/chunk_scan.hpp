// What a Lua text asks its surroundings for, without running it: globals it reads that nobody sets, and
// modules it requires.
//
// The compiler has resolved locals and upvalues already, so its own code is read, not the text: what is
// left as an access to _ENV is a global. Accesses that are computed (`_G[name]`) are not seen.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime::lua {

struct chunk_use {
  std::string name;
  int line = 0; ///< of the chunk, from 1; the first use

  bool operator==(const chunk_use&) const = default;
};

struct chunk_uses {
  std::vector<chunk_use> reads;    ///< globals, each name once
  std::set<std::string> writes;    ///< globals the chunk itself sets
  std::vector<chunk_use> required; ///< of `require("name")`, each name once
  std::set<std::string> types;     ///< declared by annotations: no values
};

/// @returns nothing in it for a text that is no good Lua
chunk_uses scan_chunk(std::string_view source);

/// Whether scripts find a global of this name without setting it.
bool is_known_global(std::string_view name);

} // namespace natterjack::runtime::lua
