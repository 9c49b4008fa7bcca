// Stands in for the embedded Swagger UI in a build without it (NATTERJACK_POW_DOCS=OFF).
#include "actors/pow/docs_assets.hpp"

namespace natterjack::pow {

std::span<const docs_asset> docs_assets() noexcept { return {}; }

} // namespace natterjack::pow
