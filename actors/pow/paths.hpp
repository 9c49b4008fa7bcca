// Paths below the base path of a service, and the responses that come with them.
#pragma once

#include "relay/http/exchange.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace natterjack::pow {

/// Resolves "." and "..", joins slashes, begins with one; a slash at the end stays.
std::string clean_path(std::string_view path);

/// A base path as services keep it: clean, with a slash at both ends.
std::string clean_base_path(std::string_view path);

/// What stands behind the base path, still escaped; nothing for a path elsewhere.
/// @param base      clean, not escaped
/// @param raw_path  of the request line, as sent
std::optional<std::string_view> path_below(std::string_view base, std::string_view raw_path);

/// A path as it stands in URLs and pages; what looks escaped stays.
std::string escape_path(std::string_view path);

/// Websockets may use the base path with or without its last slash, and everything below it.
bool is_websocket_path(std::string_view base, std::string_view path) noexcept;

/// 404 as clients know it.
relay::http_response not_found();

/// 307 to `path`, which is escaped already, with the query of the request.
relay::http_response redirect(const relay::http_request& request, std::string path);

} // namespace natterjack::pow
