// Where the folder of a fs.directory and the files of a http.static are.
#pragma once

#include "runtime/config/entry.hpp"

#include <filesystem>
#include <string>

namespace natterjack::runtime {

/// Absolute; a relative `directory` starts at the folder of the entry's YAML file.
std::filesystem::path folder_of(const entry& fs_directory);

/// `directory` of the http.static below `fs`; empty path when it would lead out of it.
std::filesystem::path folder_of(const entry& http_static, const entry& fs_directory);

/// Whether a key of `options` is one of `static_options` in its older place.
bool is_static_option(std::string_view name) noexcept;
/// Value of such an option: `static_options` first, then the older place in `options`.
const config_value* static_option(const entry& http_static, std::string_view name);

} // namespace natterjack::runtime
