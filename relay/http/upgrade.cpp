#include "relay/http/upgrade.hpp"

#include <algorithm>
#include <cctype>
#include <strings.h>

namespace natterjack::relay {

namespace {

bool same(std::string_view a, std::string_view b) noexcept {
  return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

// A header that may stand on several lines, each a comma list.
bool has_token(const http_request& request, std::string_view name, std::string_view token) noexcept {
  for (const auto& [key, value] : request.headers) {
    if (!same(key, name))
      continue;
    std::string_view list = value;
    while (!list.empty()) {
      auto item = list.substr(0, list.find(','));
      list.remove_prefix(std::min(list.size(), item.size() + 1));
      while (!item.empty() && (item.front() == ' ' || item.front() == '\t'))
        item.remove_prefix(1);
      while (!item.empty() && (item.back() == ' ' || item.back() == '\t'))
        item.remove_suffix(1);
      if (same(item, token))
        return true;
    }
  }
  return false;
}

size_t count(const http_request& request, std::string_view name) noexcept {
  return static_cast<size_t>(
      std::count_if(request.headers.begin(), request.headers.end(),
                    [name](const auto& header) { return same(header.first, name); }));
}

// RFC 6455 4.1: 16 bytes in base64, so 22 characters and "==".
bool is_key(std::string_view key) noexcept {
  return key.size() == 24 && key.ends_with("==") &&
         std::all_of(key.begin(), key.end() - 2, [](unsigned char c) {
           return std::isalnum(c) != 0 || c == '+' || c == '/';
         });
}

} // namespace

bool wants_websocket(const http_request& request) noexcept {
  return has_token(request, "Connection", "upgrade") && has_token(request, "Upgrade", "websocket");
}

std::optional<http_response> refuse_upgrade(const http_request& request,
                                            const origin_rule& origins) {
  if (!wants_websocket(request)) {
    auto response = text_response(426, "this endpoint speaks websocket: send an upgrade request");
    response.set("Connection", "Upgrade");
    response.set("Upgrade", "websocket");
    return response;
  }
  if (request.method != "GET") {
    auto response = text_response(405, "a websocket handshake is a GET request");
    response.set("Allow", "GET");
    return response;
  }
  if (count(request, "Sec-WebSocket-Version") != 1 ||
      request.header("Sec-WebSocket-Version") != "13") {
    auto response = text_response(400, "Sec-WebSocket-Version must be 13");
    response.set("Sec-WebSocket-Version", "13");
    return response;
  }
  if (count(request, "Sec-WebSocket-Key") != 1 || !is_key(request.header("Sec-WebSocket-Key")))
    return text_response(400, "Sec-WebSocket-Key must be given once: 16 bytes in base64");
  if (!request.body.empty() || request.has("Transfer-Encoding") ||
      (request.has("Content-Length") && request.header("Content-Length") != "0"))
    return text_response(400, "a websocket handshake has no body");
  const auto origin = request.has("Origin") ? std::optional(request.header("Origin")) : std::nullopt;
  if (!origins.allows(origin, request.host))
    return text_response(403, "origin \"" + std::string(*origin) +
                                  "\" is not allowed for host \"" + request.host + "\"");
  return std::nullopt;
}

} // namespace natterjack::relay
