// The entries of one parsed file.
//
//   counts     a map with `namespace` and `entries`, or with `namespace`, `name` and `kind`
//   _index     a file of that name must count; others that do not are somebody else's
//   meta       of the file is part of each entry's, where the entry does not say it itself
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"
#include "runtime/config/source/document.hpp"

#include <filesystem>
#include <string>
#include <vector>

namespace natterjack::runtime {

/// @param shown     name of the file for messages
/// @param path      absolute
/// @param mistakes  gets what is wrong with the file and the frame of its entries
std::vector<entry> read_entries(const document& file, const std::string& shown,
                                const std::filesystem::path& path,
                                std::vector<diagnostic>& mistakes);

} // namespace natterjack::runtime
