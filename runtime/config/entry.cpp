#include "runtime/config/entry.hpp"

#include <algorithm>

namespace natterjack::runtime {

std::string place_of(const entry& e) {
  return e.implicit ? e.file : e.file + ':' + std::to_string(e.line);
}

bool is_reference(std::string_view text) noexcept {
  return !text.empty() && !text.starts_with(':') && !text.ends_with(':') &&
         std::count(text.begin(), text.end(), ':') <= 1;
}

std::string resolve_reference(std::string_view ns, std::string_view reference) {
  if (reference.find(':') != std::string_view::npos)
    return std::string(reference);
  return std::string(ns) + ':' + std::string(reference);
}

} // namespace natterjack::runtime
