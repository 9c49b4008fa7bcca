#include "runtime/init/init_command.hpp"

#include "runtime/exit_codes.hpp"
#include "runtime/init/init_files.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <vector>

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view example_folder = "examples/chat";
constexpr size_t shown_max = 5;

// The files speak of the folder they come from.
std::string at_home(std::string_view text, const std::string& folder) {
  std::string result(text);
  for (size_t at = 0; (at = result.find(example_folder, at)) != std::string::npos;
       at += folder.size())
    result.replace(at, example_folder.size(), folder);
  return result;
}

// Hidden files, such as those of a version control, are in nobody's way.
std::vector<std::string> content_of(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(folder, error))
    if (const auto name = file.path().filename().string(); !name.starts_with('.'))
      names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

int fail(int code, const std::string& text) {
  std::cerr << "natterjack init: " << text << "\n";
  return code;
}

} // namespace

int run_init(const std::string& folder) {
  std::error_code error;
  const fs::path root(folder);
  if (fs::exists(root, error) && !fs::is_directory(root, error))
    return fail(exit_broken, folder + " is a file; expected a new or empty folder");
  if (const auto there = content_of(root); !there.empty()) {
    std::string text = folder + " is not empty, it holds";
    for (size_t i = 0; i < there.size() && i < shown_max; ++i)
      text += (i == 0 ? " " : ", ") + there[i];
    if (there.size() > shown_max)
      text += " and " + std::to_string(there.size() - shown_max) + " more";
    return fail(exit_broken, text + ". Nothing was written; expected a new or empty folder");
  }
  for (const auto& file : init_files()) {
    const auto path = root / file.path;
    fs::create_directories(path.parent_path(), error);
    std::ofstream out(path, std::ios::binary);
    out << at_home(file.text, folder);
    if (!out.flush())
      return fail(exit_failed, "cannot write " + path.string());
  }
  std::cout << "A chat with two rooms stands in " << folder << ":\n";
  for (const auto& file : init_files())
    std::cout << "  " << file.path << "\n";
  std::cout << "\nRun it:       natterjack run " << folder
            << "\nThen open:    http://127.0.0.1:8082/\nCheck it:     natterjack check " << folder
            << "\nWhile it runs, change a .lua file and take it over: natterjack reload\n";
  return exit_done;
}

} // namespace natterjack::runtime
