// Files that entries keep data in: where they are, and whether they can be what they should be.
//
//   entry              field        must be
//   db.sql.sqlite      file         an SQLite database that can be read, or a place where one can be made
//   env.storage.file   file_path    a file that can be read, if it is there
//
//   never   makes or changes anything
#pragma once

#include "runtime/config/application.hpp"

#include <filesystem>

namespace natterjack::runtime {

/// The file of such an entry (source/places.hpp). `:memory:` stands for itself.
std::filesystem::path storage_file_of(const application& app, const entry& e);

/// Adds a mistake for each file that cannot be used.
void check_storage_files(application& app);

} // namespace natterjack::runtime
