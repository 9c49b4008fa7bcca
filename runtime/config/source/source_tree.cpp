#include "runtime/config/source/source_tree.hpp"

#include "runtime/config/nearest.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <set>
#include <sys/stat.h>
#include <unistd.h>

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

bool is_config_file(const fs::path& path) {
  const auto extension = path.extension();
  return extension == ".yaml" || extension == ".yml" || extension == ".json";
}

bool is_left_out(const fs::path& path) {
  const auto name = path.filename().string();
  return name.starts_with('.') || name == "node_modules";
}

// Names in the folder of a missing file, for "did you mean".
std::vector<std::string> neighbours(const fs::path& missing) {
  constexpr size_t looked_at_max = 1000;
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator at(missing.parent_path(), error), end;
       !error && at != end && names.size() < looked_at_max; at.increment(error))
    names.push_back(at->path().filename().string());
  return names;
}

} // namespace

file_text read_file(const fs::path& path, size_t bytes_max) {
  file_text result;
  auto fail = [&result] {
    result.error = std::strerror(errno);
    return result;
  };
  // O_NONBLOCK: opening a pipe that nobody writes to would wait for ever.
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor < 0)
    return fail();
  struct closer {
    ~closer() { ::close(descriptor); }
    int descriptor;
  } close_later{descriptor};
  struct stat about {};
  if (::fstat(descriptor, &about) != 0)
    return fail();
  if (!S_ISREG(about.st_mode)) {
    result.error = S_ISDIR(about.st_mode) ? "is a folder" : "is no regular file";
    return result;
  }
  std::string text;
  char block[16 * 1024];
  while (text.size() <= bytes_max) {
    const ssize_t got = ::read(descriptor, block, sizeof block);
    if (got < 0 && errno == EINTR)
      continue;
    if (got < 0)
      return fail();
    if (got == 0)
      break;
    text.append(block, static_cast<size_t>(got));
  }
  result.too_big = text.size() > bytes_max;
  result.text = std::move(text);
  return result;
}

source_tree::source_tree(const fs::path& folder)
    : given_(folder.lexically_normal()), root_(fs::canonical(folder)) {
  if (given_.has_relative_path() && !given_.has_filename())
    given_ = given_.parent_path(); // "app/" is shown as "app"
}

bool source_tree::is_inside(const fs::path& canonical) const {
  auto [in_root, in_path] =
      std::mismatch(root_.begin(), root_.end(), canonical.begin(), canonical.end());
  return in_root == root_.end();
}

std::vector<fs::path> source_tree::find_config_files(std::vector<diagnostic>& mistakes,
                                                     std::vector<diagnostic>& warnings) const {
  std::vector<fs::path> found;
  std::set<fs::path> visited{root_}; // canonical, so that a loop of links ends
  std::vector<fs::path> folders{root_};
  size_t looked_at = 0;
  while (!folders.empty()) {
    const fs::path folder = std::move(folders.back());
    folders.pop_back();
    std::error_code error;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const fs::path path = at->path();
      if (is_left_out(path))
        continue;
      if (++looked_at > visited_max || found.size() >= files_max) {
        mistakes.push_back({shown(root_), 0, "", "holds too many files to be an application",
                            "at most " + std::to_string(files_max) + " YAML and JSON files and " +
                                std::to_string(visited_max) + " files in all"});
        return {};
      }
      std::error_code gone; // a dangling link is no file and no folder
      const auto status = fs::status(path, gone);
      const bool is_folder = fs::is_directory(status);
      if (!is_folder && !(fs::is_regular_file(status) && is_config_file(path)))
        continue;
      const fs::path real = fs::canonical(path, gone);
      if (gone)
        continue;
      if (!is_inside(real)) {
        warnings.push_back(
            {shown(path), 0, "", "is a link that leads out of the folder: not read", ""});
        continue;
      }
      if (!visited.insert(real).second)
        continue;
      (is_folder ? folders : found).push_back(path);
    }
    if (error)
      mistakes.push_back({shown(folder), 0, "", "cannot be read: " + error.message(), ""});
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string source_tree::shown(const fs::path& absolute) const {
  const fs::path below = absolute.lexically_relative(root_);
  if (below == ".")
    return given_.string();
  if (below.empty() || *below.begin() == "..")
    return absolute.string();
  return (given_ == "." ? below : given_ / below).string();
}

source_tree::resolved source_tree::resolve(std::string_view url, const fs::path& from) const {
  url.remove_prefix(std::string_view("file://").size());
  const bool from_root = url.starts_with('/');
  while (url.starts_with('/'))
    url.remove_prefix(1);
  if (url.empty())
    return {{}, "names no file"};
  if (url.find('\0') != std::string_view::npos)
    return {{}, "has a zero byte in its name"};
  const fs::path wanted = ((from_root ? root_ : from) / fs::path(url)).lexically_normal();
  // Both as written (a missing file has no links to follow) and with its links followed.
  std::error_code error;
  const fs::path real = fs::weakly_canonical(wanted, error);
  if (!is_inside(wanted) || (!error && !is_inside(real)))
    return {{}, "leads out of the application's folder"};
  if (!fs::exists(wanted, error))
    return {{},
            "looked for " + shown(wanted) + ", which does not exist" +
                did_you_mean(wanted.filename().string(), neighbours(wanted))};
  return {wanted, ""};
}

} // namespace natterjack::runtime
