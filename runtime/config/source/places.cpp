#include "runtime/config/source/places.hpp"

#include "runtime/config/source/document.hpp"
#include "runtime/config/source/source_tree.hpp"

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

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

bool is_here(const fs::path& file) {
  std::error_code ignored;
  return fs::exists(file, ignored);
}

fs::path source_folder(const fs::path& folder) {
  const auto file = read_file(folder / "wippy.lock", document_limits{}.file_bytes);
  const auto lock = file.text ? read_yaml(*file.text, {}).value : std::nullopt;
  const auto* said = lock ? lock->root.find_path("directories.src") : nullptr;
  if (said == nullptr || said->as_text() == nullptr || fs::path(*said->as_text()).is_absolute())
    return folder;
  std::error_code ignored;
  const auto named = (folder / *said->as_text()).lexically_normal();
  return fs::is_directory(named, ignored) ? named : folder;
}

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
