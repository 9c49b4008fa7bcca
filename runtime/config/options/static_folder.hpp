// Where the folder of a fs.directory and the files of a http.static are.
#pragma once

#include "runtime/config/application.hpp"

#include <filesystem>
#include <string>

namespace natterjack::runtime {

/// Absolute; where a relative `directory` leads: source/places.hpp.
std::filesystem::path folder_of(const application& app, const entry& fs_directory);

/// `directory` of the http.static below `fs`; empty path when it would lead out of it.
std::filesystem::path folder_of(const application& app, const entry& http_static,
                                const entry& fs_directory);

/// Whether a key of `options` is one of `static_options` in its older place.
bool is_static_option(std::string_view name) noexcept;
/// Value of such an option: `static_options` first, then the older place in `options`.
const config_value* static_option(const entry& http_static, std::string_view name);

} // namespace natterjack::runtime
