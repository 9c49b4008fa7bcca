// What an entry refers to: every field of its kind that holds the id of another entry.
#pragma once

#include "runtime/config/entry.hpp"
#include "runtime/config/kinds/kind_schema.hpp"

#include <string>
#include <vector>

namespace natterjack::runtime {

struct reference {
  std::string path;                    ///< of the field, for messages
  std::string id;                      ///< absolute
  const field* definition = nullptr;   ///< says which kinds may be meant
  const config_value* value = nullptr; ///< null when the id is the field's default
  int line = 0;
};

/// Fields of the wrong type are left out; the field checks complain about them.
std::vector<reference> references_of(const entry& e);

/// The ids in `lifecycle.depends_on` and `lifecycle.requires`, each once.
std::vector<reference> dependencies_of(const entry& e);

} // namespace natterjack::runtime
