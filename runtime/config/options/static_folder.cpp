#include "runtime/config/options/static_folder.hpp"

#include "runtime/config/source/places.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace fs = std::filesystem;

fs::path folder_of(const application& app, const entry& fs_directory) {
  const auto* text = fs_directory.data.find("directory");
  return path_of(app, fs_directory, text && text->as_text() ? *text->as_text() : ".");
}

fs::path folder_of(const application& app, const entry& http_static, const entry& fs_directory) {
  const fs::path base = folder_of(app, fs_directory);
  const auto* text = http_static.data.find("directory");
  if (!text || !text->as_text())
    return base;
  // A leading slash means the folder of `fs`, not of the machine.
  const fs::path said = fs::path(*text->as_text()).relative_path().lexically_normal();
  if (!said.empty() && *said.begin() == "..")
    return {};
  auto made = (base / said).lexically_normal();
  return made.has_filename() ? made : made.parent_path();
}

bool is_static_option(std::string_view name) noexcept {
  return name == "spa" || name == "index" || name == "cache" || name == "mime_types";
}

const config_value* static_option(const entry& http_static, std::string_view name) {
  for (const char* place : {"static_options", "options"}) {
    const auto* options = http_static.data.find(place);
    const auto* value = options ? options->find(name) : nullptr;
    if (value && !value->is_null())
      return value;
  }
  return nullptr;
}

} // namespace natterjack::runtime
