// Variables of the application: names that scripts ask for, and where their values are kept.
//
//   get, name         the value                  nothing: neither said nor in the environment
//   set, name, value  kept                       not_found, permission_denied (read-only), internal;
//                                                unavailable: 10,000 names or 16 MiB in one storage
//   all               every value there is of what is declared
//
//   name    `variable` of an env.variable, or the id of one, or the key of a storage; a name that
//           nobody declared is one of the operating system's environment
#pragma once

#include "runtime/lua/reply.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

enum class env_storage_kind : uint8_t { memory, os, file, fixed, router };

struct env_storage {
  std::string id;
  env_storage_kind kind = env_storage_kind::memory;
  std::string file;                         ///< of `file`
  bool auto_create = false;                 ///< of `file`
  uint32_t mode = 0644;                     ///< of `file`, when it is made
  std::map<std::string, std::string> fixed; ///< of `static`
  std::vector<std::string> storages;        ///< of `router`: asked in this order, the first is written
};

struct env_variable {
  std::string id;
  std::string name;    ///< what scripts ask for
  std::string storage; ///< id
  std::optional<std::string> otherwise;
  bool read_only = false;
};

/// NAME=value, one a line; `#` begins a comment, quotes around a value are taken off.
/// @returns nothing for a file that cannot be read
std::map<std::string, std::string> read_variables_file(const std::string& path);

class env_variables {
 public:
  /// Files are read here; one that is not there has no variables yet.
  void declare(std::vector<env_storage> storages, std::vector<env_variable> variables);

  std::optional<std::string> get(const std::string& name) const;
  /// @returns false with `why`
  bool set(const std::string& name, const std::string& value, failure& why);
  std::map<std::string, std::string> all() const;

 private:
  // Kept for all processes, outside of their memory: so it has a bound of its own.
  struct value_map {
    std::map<std::string, std::string> all;
    size_t bytes = 0; // of names and values

    bool set(const std::string& key, const std::string& value); // false: there is no room
  };
  struct shelf {
    env_storage what;
    value_map values;
  };
  const env_variable* find(const std::string& name) const;
  std::optional<std::string> read(const std::string& storage, const std::string& key,
                                  int depth = 0) const;
  bool write(const std::string& storage, const std::string& key, const std::string& value,
             failure& why, int depth = 0);

  mutable std::mutex mutex_;
  std::map<std::string, shelf> shelves_;
  std::vector<env_variable> variables_;
  value_map loose_; // set by scripts, declared by nobody
};

} // namespace natterjack::runtime::lua
