// One YAML or JSON text as a tree, within bounds; or the first reason why it is none.
//
//   refused   what is not UTF-8, does not parse, repeats a key, nests too deep, or grows beyond its
//             bounds when its aliases are followed
//   YAML      scalars by the rules of YAML 1.2; `<<` merges; unknown tags are noted, not followed
#pragma once

#include "runtime/config/source/config_value.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace natterjack::runtime {

struct document_limits {
  size_t file_bytes = size_t{1} << 20;
  size_t levels = 64;                   ///< lists and maps inside each other
  size_t nodes = 250'000;               ///< values after aliases were followed
  size_t text_bytes = size_t{16} << 20; ///< text after aliases were followed
};

struct document_error {
  int line = 0; ///< from 1
  std::string message;
};

struct document {
  config_value root;
  int second_line = 0;      ///< where a second document begins, which is not read; 0: none
  int unknown_tag_line = 0; ///< first use of a tag such as `!include`; 0: none
  std::string unknown_tag;
};

struct document_result {
  std::optional<document> value;
  document_error error; ///< set when there is no value
};

document_result read_yaml(std::string_view text, const document_limits& limits = {});
document_result read_json(std::string_view text, const document_limits& limits = {});

/// Line of the first byte that is not UTF-8; 0 when all of it is.
int find_bad_utf8(std::string_view text) noexcept;

} // namespace natterjack::runtime
