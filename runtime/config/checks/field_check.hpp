// Checks one entry against the definition of its kind: keys, types, ranges, words.
//
//   finds      unknown kind or key, missing field, wrong type, value out of range, unknown word,
//              unknown module or middleware, and what is known but not built
//   leaves     everything that needs another entry to the relation checks
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"

#include <vector>

namespace natterjack::runtime {

/// @param warnings  gets fields that are accepted without effect
void check_fields(const entry& e, std::vector<diagnostic>& mistakes,
                  std::vector<diagnostic>& warnings);

} // namespace natterjack::runtime
