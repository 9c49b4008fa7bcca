#include "relay/http/middleware.hpp"

namespace natterjack::relay {

std::optional<http_response> middleware::before(http_request&) { return std::nullopt; }

void middleware::after(const http_request&, http_response&) {}

} // namespace natterjack::relay
