// The application's folder: which files are in it, and what a `file://…` text means.
//
//   find_config_files    every .yaml .yml .json, sorted; node_modules and hidden folders left out
//   read                 a file within a bound
//   resolve              file://x from the folder of the YAML, file:///x from the application's
//   folder
//
//   never                leaves the folder: `..`, absolute paths and symbolic links out of it are
//   refused
#pragma once

#include "runtime/config/diagnostic.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct file_text {
  std::optional<std::string> text;
  std::string error;    ///< why there is no text
  bool too_big = false; ///< `text` then holds what fits
};

/// Reads a regular file of at most `bytes_max` bytes.
file_text read_file(const std::filesystem::path& path, size_t bytes_max);

class source_tree {
 public:
  static constexpr size_t files_max = 10'000;               ///< of YAML and JSON
  static constexpr size_t visited_max = 200'000;            ///< files and folders looked at
  static constexpr size_t text_bytes_max = size_t{4} << 20; ///< of a file that `file://` names

  /// @param folder  as given by the user; it must exist
  explicit source_tree(const std::filesystem::path& folder);

  const std::filesystem::path& root() const noexcept { return root_; }

  /// @param mistakes  gets folders that cannot be read, and bounds that were passed
  /// @param warnings  gets symbolic links that lead out of the folder
  std::vector<std::filesystem::path> find_config_files(std::vector<diagnostic>& mistakes,
                                                       std::vector<diagnostic>& warnings) const;

  /// How the user would open this file: below the folder as it was given.
  std::string shown(const std::filesystem::path& absolute) const;

  struct resolved {
    std::filesystem::path path; ///< absolute; empty when refused
    std::string error;          ///< why it was refused
  };
  /// @param url   starts with `file://`
  /// @param from  absolute folder of the file that says it
  resolved resolve(std::string_view url, const std::filesystem::path& from) const;

 private:
  bool is_inside(const std::filesystem::path& canonical) const;

  std::filesystem::path given_;
  std::filesystem::path root_;
};

} // namespace natterjack::runtime
