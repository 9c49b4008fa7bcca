// Variables in texts: ${env:NAME}, ${env:NAME|default}, ${NAME|default}; $${ stands for ${ itself.
//
//   unset without default    an error that names the variable
//   ${NAME}                  left as it is: only `env:` or a default make it a variable
//   a whole number, true, …  get their type again when the text had no quotes
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"
#include "runtime/config/source/config_value.hpp"

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime {

using environment = std::function<std::optional<std::string>(const std::string& name)>;

struct substituted {
  std::string text;
  std::string error; ///< empty: fine
  bool changed = false;
};

substituted substitute(const std::string& text, const environment& variables);

/// In every text of the entry's meta and data.
void substitute(entry& e, const environment& variables, std::vector<diagnostic>& mistakes);

} // namespace natterjack::runtime
