#include "runtime/config/options/storage_files.hpp"

#include "runtime/config/locate.hpp"
#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/source/places.hpp"

#include <fstream>
#include <string_view>
#include <unistd.h>

namespace natterjack::runtime {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view in_memory = ":memory:";
constexpr std::string_view sqlite_magic{"SQLite format 3\0", 16};

const char* field_of(const entry& e) {
  return e.kind == "db.sql.sqlite" ? "file" : "file_path";
}

// A file that has been begun may be shorter than its header: SQLite takes an empty one.
bool is_sqlite(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  std::string head(sqlite_magic.size(), '\0');
  in.read(head.data(), static_cast<std::streamsize>(head.size()));
  return in.gcount() == 0 || head == sqlite_magic;
}

// The nearest folder that is there decides whether the file can be made.
std::string why_not_made(const fs::path& file) {
  auto folder = file.parent_path();
  while (!is_here(folder) && folder.has_relative_path())
    folder = folder.parent_path();
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored))
    return "cannot be made: " + folder.string() + " is no folder";
  if (::access(folder.c_str(), W_OK | X_OK) != 0)
    return "cannot be made: " + folder.string() + " cannot be written to";
  return {};
}

std::string why_not(const entry& e, const fs::path& file) {
  const bool is_database = e.kind == "db.sql.sqlite";
  if (!is_here(file)) {
    const auto* made = e.data.find("auto_create");
    if (!is_database && (made == nullptr || made->as_bool() == false))
      return {}; // then it has no variables
    return why_not_made(file);
  }
  std::error_code ignored;
  if (fs::is_directory(file, ignored))
    return "is a folder";
  if (::access(file.c_str(), R_OK) != 0)
    return "cannot be read";
  return is_database && !is_sqlite(file) ? "is no SQLite database" : "";
}

} // namespace

fs::path storage_file_of(const application& app, const entry& e) {
  const auto said = field_reader(e).text(field_of(e));
  if (said == in_memory)
    return said;
  return path_of(app, e, said);
}

void check_storage_files(application& app) {
  for (const auto& e : app.entries) {
    if (e.kind != "db.sql.sqlite" && e.kind != "env.storage.file")
      continue;
    const auto* value = e.data.find(field_of(e));
    if ((value != nullptr && (value->as_text() == nullptr || value->is_broken())) ||
        (value == nullptr && e.kind == "env.storage.file"))
      continue; // the field check says what is wrong
    const auto file = storage_file_of(app, e);
    if (file == in_memory)
      continue;
    if (auto why = why_not(e, file); !why.empty())
      app.diagnostics.push_back(mistake_at(
          e, value != nullptr ? *value : e.data, 0,
          std::string(field_of(e)) + ": " + file.string() + ' ' + why,
          e.kind == "db.sql.sqlite" ? "an SQLite database, or a path where one can be made"
                                    : "a file of NAME=value lines"));
  }
}

} // namespace natterjack::runtime
