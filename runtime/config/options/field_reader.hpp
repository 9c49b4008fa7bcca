// Reads the fields of a checked entry: the value it says, else the default of its kind.
//
// Asking for a field the kind does not have, or reading an entry that was not found to be right, is
// a bug and throws std::logic_error.
#pragma once

#include "runtime/config/application.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/options/options.hpp"

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::runtime {

class field_reader {
 public:
  explicit field_reader(const entry& e);

  /// Whether the entry itself says it. Paths are dotted; `meta.` leads into meta.
  bool says(std::string_view path) const { return said(path) != nullptr; }

  std::string text(std::string_view path) const; ///< "" when there is neither value nor default
  std::string id(std::string_view path) const;   ///< absolute
  duration time(std::string_view path) const;
  uint64_t bytes(std::string_view path) const; ///< 0 for `off`
  uint64_t count(std::string_view path) const; ///< 0 for `off`
  double real(std::string_view path) const;
  bool flag(std::string_view path) const;
  std::vector<std::string> texts(std::string_view path) const;
  std::vector<std::string> ids(std::string_view path) const;
  string_map text_map(std::string_view path) const;

  /// The value as it stands, or null; for fields without a default.
  const config_value* said(std::string_view path) const;

 private:
  config_value value(std::string_view path) const;
  [[noreturn]] void fail(std::string_view path) const;

  const entry& entry_;
  const kind_definition& kind_;
};

/// What a word of a field stands for.
/// @throws std::logic_error  the schema lets a word pass that is not among these
template <class T, size_t N>
T value_of_word(const std::pair<std::string_view, T> (&words)[N], const std::string& text) {
  for (const auto& [name, value] : words)
    if (name == text)
      return value;
  throw std::logic_error("word " + text + " is in the schema but not in the options");
}

/// A scalar as text, however it was written.
std::string plain_text(const config_value& value);

} // namespace natterjack::runtime
