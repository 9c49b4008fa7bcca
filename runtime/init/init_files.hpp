// The files of a new application, as they stood in examples/chat when this program was built.
#pragma once

#include <span>
#include <string_view>

namespace natterjack::runtime {

struct init_file {
  std::string_view path; ///< relative, with `/`
  std::string_view text;
};

std::span<const init_file> init_files();

} // namespace natterjack::runtime
