// Folders of the machine that scripts reach by the id of their `fs.directory` entry.
//
//   run, operation   values                                errors
//   stat             {name, size, mode, modified, is_dir}  not_found
//   list             [{name, type}, ...], by name          not_found
//   read             bytes from `offset` on, at most `size`; nil at the end
//   write            nothing; at `offset`, or as `how` says
//   make_folder      nothing; those above it as well
//   remove           nothing; a folder must be empty
//
//   paths   `/` and "" are the folder itself; `..` does not lead out of it, nor does a symbolic link
//   blocks  called on a thread of the work pool
#pragma once

#include "runtime/lua/reply.hpp"

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

enum class file_operation : uint8_t { stat, list, read, write, make_folder, remove, sync };
enum class write_mode : uint8_t { at_offset, truncate, append, create };

struct file_request {
  file_operation what = file_operation::stat;
  std::string path;
  std::string data;
  uint64_t offset = 0;
  uint64_t size = 0; ///< bytes to read
  write_mode how = write_mode::at_offset;
};

struct file_result {
  std::vector<hub::payload> values;
  failure why; ///< empty text: it went well
};

class volume {
 public:
  /// @param mode  permissions of what is made in it
  volume(std::string id, std::filesystem::path root, uint32_t mode);

  /// Makes the folder if it is not there. @returns empty, or why not
  std::string make();
  file_result run(const file_request& request) const;

  static constexpr uint64_t read_max = 64u << 20;

 private:
  std::string id_;
  std::filesystem::path root_;
  uint32_t mode_;
};

struct volume_shelf {
  std::map<std::string, std::shared_ptr<const volume>> volumes; ///< by entry id
};

} // namespace natterjack::runtime::lua
