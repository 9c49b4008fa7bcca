// An entry: a thing declared in the application's folder, checked or not yet checked.
//
//   id        `namespace:name`; names may contain dots
//   data      the fields of its kind; `meta` is free apart from the few names a kind knows
//   source    the Lua text, with the path that errors and tracebacks show
#pragma once

#include "runtime/config/source/config_value.hpp"

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::runtime {

struct source_text {
  std::string text;
  std::string chunk; ///< the file as the user would open it; the YAML file for text in YAML
  std::filesystem::path path; ///< absolute; empty when the text stands in the YAML itself
  int first_line = 1;         ///< line of `chunk` the text begins on
};

struct entry {
  std::string id;
  std::string ns;
  std::string name;
  std::string kind;
  std::string file;             ///< as the user would open it; words in brackets when implicit
  int line = 0;                 ///< where the entry begins
  std::filesystem::path folder; ///< absolute folder of `file`, what `file://x` is relative to
  config_value meta = config_value::map();
  config_value data = config_value::map();
  std::optional<source_text> source;
  bool implicit = false;      ///< made here, not written by the application
  bool guide_dialect = false; ///< an endpoint without `meta.router`: payloads are JSON text
};

/// Where it stands, for people: `app/_index.yaml:12`; of one that nobody wrote what made it.
std::string place_of(const entry& e);

/// Whether a text can be an id: `name` or `ns:name`.
bool is_reference(std::string_view text) noexcept;

/// `name` is of namespace `ns`, `other:name` stands for itself.
std::string resolve_reference(std::string_view ns, std::string_view reference);

} // namespace natterjack::runtime
