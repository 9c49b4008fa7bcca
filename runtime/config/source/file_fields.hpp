// Loads what `file://…` texts of an entry name; the Lua text of `source` comes with its place.
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"
#include "runtime/config/source/source_tree.hpp"

#include <vector>

namespace natterjack::runtime {

/// Fills `e.source`; texts of other fields are replaced by the text of the file.
void load_files(entry& e, const source_tree& tree, std::vector<diagnostic>& mistakes);

} // namespace natterjack::runtime
