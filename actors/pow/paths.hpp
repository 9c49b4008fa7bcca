// Paths below the base path of a service, and the responses that come with them.
#pragma once

#include "relay/http/exchange.hpp"

#include <string>
#include <string_view>

namespace natterjack::pow {

/// Resolves "." and "..", joins slashes, begins with one; a slash at the end stays.
std::string clean_path(std::string_view path);

/// A base path as services keep it: clean, with a slash at both ends.
std::string clean_base_path(std::string_view path);

/// The path of the request line: not decoded, without query and host.
std::string_view raw_path(const relay::http_request& request) noexcept;

/// Websockets may use the base path with or without its last slash, and everything below it.
bool is_websocket_path(std::string_view base, std::string_view path) noexcept;

/// 404 as clients know it.
relay::http_response not_found();

/// 307 to `path`, which is escaped already, with the query of the request.
relay::http_response redirect(const relay::http_request& request, std::string path);

} // namespace natterjack::pow
