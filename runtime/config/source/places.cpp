#include "runtime/config/source/places.hpp"

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

bool is_here(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

// Empty if nothing tells it.
fs::path project_of(const fs::path& root) {
  const auto above = root.parent_path();
  for (const auto& folder : {root, above})
    for (const char* mark : {"wippy.lock", ".wippy.yaml"})
      if (is_here(folder / mark))
        return folder;
  return root.filename() == "src" ? above : fs::path();
}

fs::path normal(const fs::path& from, const fs::path& said) {
  auto made = (from / said).lexically_normal();
  return made.has_filename() ? made : made.parent_path();
}

} // namespace

fs::path path_of(const application& app, const entry& e, const fs::path& said) {
  const auto beside = normal(e.folder, said);
  if (said.is_absolute() || is_here(beside))
    return beside;
  if (const auto inside = normal(app.root, said); is_here(inside))
    return inside;
  const auto project = project_of(app.root);
  return project.empty() ? beside : normal(project, said);
}

} // namespace natterjack::runtime
