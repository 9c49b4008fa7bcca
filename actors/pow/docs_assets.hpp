// The files of Swagger UI as they were embedded by the build, compressed.
#pragma once

#include <span>
#include <string_view>

namespace natterjack::pow {

struct docs_asset {
  std::string_view name; ///< "swagger-ui.css"
  std::string_view gzip; ///< RFC 1952
  std::string_view hash; ///< of the content, hexadecimal: the entity tag
};

/// Empty if the build had no Swagger UI.
std::span<const docs_asset> docs_assets() noexcept;

} // namespace natterjack::pow
