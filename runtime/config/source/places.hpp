// Where a relative path of an entry leads.
//
//   1. beside the entry's YAML file, if it is there
//   2. below the application's folder, if it is there
//   3. below the project: the application's folder or the one above, if it holds a wippy.lock or .wippy.yaml;
//      the one above a folder `src`
//   nowhere: it will be made in the project if there is one, else beside the YAML file
#pragma once

#include "runtime/config/application.hpp"

#include <filesystem>

namespace natterjack::runtime {

/// Whether there is something of that name; what cannot be looked at is not there.
bool is_here(const std::filesystem::path& file);

/// Where the entries of an application are: the folder itself, or what its wippy.lock names as
/// `directories.src`.
std::filesystem::path source_folder(const std::filesystem::path& folder);

/// @param said  absolute paths stand for themselves
/// @returns absolute, in normal form, without a trailing slash
std::filesystem::path path_of(const application& app, const entry& e,
                               const std::filesystem::path& said);

} // namespace natterjack::runtime
