// An application in a folder of its own, written file by file and loaded with a made-up
// environment.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/options/options.hpp"
#include "tests/catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>

namespace natterjack::runtime {

class application_fixture {
 public:
  application_fixture() {
    std::string name = (std::filesystem::temp_directory_path() / "natterjack-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    base = std::filesystem::canonical(name);
    std::filesystem::create_directory(folder());
  }
  ~application_fixture() {
    std::error_code ignored;
    std::filesystem::remove_all(base, ignored);
  }
  application_fixture(const application_fixture&) = delete;
  application_fixture& operator=(const application_fixture&) = delete;

  std::filesystem::path folder() const { return base / "app"; }

  void write(const std::string& path, const std::string& text) {
    const auto file = folder() / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file, std::ios::binary) << text;
  }

  /// An _index.yaml with this list of entries in namespace app; the first entry is in line 3.
  void write_entries(const std::string& entries) {
    write("_index.yaml", "namespace: app\nentries:\n" + entries);
  }

  const application& load() {
    options.folder = folder();
    options.environment = [this](const std::string& name) -> std::optional<std::string> {
      auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    app = load_application(options);
    return app;
  }

  const application& load(const std::string& entries) {
    write_entries(entries);
    return load();
  }

  /// Loads what must be right.
  application_options read(const std::string& entries) {
    load(entries);
    INFO(render(app.diagnostics));
    REQUIRE(app.ok());
    return read_options(app);
  }

  void set(const std::string& text) { options.overrides.push_back({"--set", text}); }

  /// All diagnostics, the folder's own name replaced by "app".
  std::string said() const { return shortened(render(app.diagnostics)); }
  std::string warned() const { return shortened(render(app.warnings)); }

  std::filesystem::path base;
  load_options options;
  std::map<std::string, std::string> variables;
  application app;

 private:
  std::string shortened(std::string text) const {
    const std::string long_name = folder().string();
    for (auto at = text.find(long_name); at != std::string::npos; at = text.find(long_name))
      text.replace(at, long_name.size(), "app");
    return text;
  }
};

} // namespace natterjack::runtime
