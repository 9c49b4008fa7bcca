#include "actors/pow/ws_session.hpp"

#include "actors/pow/handshake.hpp"
#include "actors/pow/paths.hpp"
#include "hub/text.hpp"

#include <openssl/evp.h>

#include <algorithm>

namespace natterjack::pow {

namespace {

constexpr std::string_view subprotocol = "pow-1";

bool names(std::string_view list, std::string_view item) {
  const auto items = relay::list_items(list);
  return std::find(items.begin(), items.end(), item) != items.end();
}

// Only the first line of the offer counts, and case does.
bool offers_pow(const relay::http_request& request) {
  return names(request.header("Sec-WebSocket-Protocol"), subprotocol);
}

bool is_version_13(const relay::http_request& request) {
  return std::any_of(request.headers.begin(), request.headers.end(), [](const auto& field) {
    return hub::same_text(field.first, "Sec-WebSocket-Version") &&
           names(field.second, "13");
  });
}

// A page may connect to the host it came from; the scheme is not compared, so that a proxy that ends TLS
// does no harm. Whoever sends no Origin is no page.
bool is_same_origin(const relay::http_request& request) {
  if (!request.has("Origin"))
    return true;
  auto origin = request.header("Origin");
  const auto scheme = origin.find("://");
  if (scheme == std::string_view::npos)
    return request.host.empty();
  origin.remove_prefix(scheme + 3);
  origin = origin.substr(0, origin.find_first_of("/?#"));
  if (const auto at = origin.rfind('@'); at != std::string_view::npos)
    origin.remove_prefix(at + 1);
  return hub::same_text(origin, request.host);
}

// 16 bytes in base64.
bool is_key(std::string_view key) {
  return key.size() == 24 && key.ends_with("==") &&
         std::all_of(key.begin(), key.end() - 2, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '+' || c == '/';
         });
}

relay::http_response refusal(unsigned status, const char* text) {
  auto response = relay::text_response(status, text);
  response.headers.emplace_back("Sec-Websocket-Version", "13");
  return response;
}

// RFC 6455 4.2.2: SHA-1 of key and a fixed text, in base64.
std::string accept_value(std::string_view key) {
  std::string text(key);
  text += "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(text.data(), text.size(), digest, &size, EVP_sha1(), nullptr);
  unsigned char base64[64];
  const int length = EVP_EncodeBlock(base64, digest, static_cast<int>(size));
  return {reinterpret_cast<const char*>(base64), static_cast<size_t>(length)};
}

} // namespace

std::optional<relay::http_response> refuse_websocket(const service_core& core,
                                                     const relay::http_request& request) {
  if (!is_websocket_path(core.options.base_path, request.path))
    return not_found();
  if (!core.options.websocket)
    return relay::text_response(404, core.options.rest ? "Not Found" : "Not found");
  if (core.closing)
    return relay::text_response(503, "websocket server closed");
  if (!offers_pow(request))
    return relay::text_response(403, "client does not support required pow-1 subprotocol");
  if (request.method != "GET")
    return refusal(405, "Method Not Allowed");
  if (!is_version_13(request))
    return refusal(400, "Bad Request");
  if (!is_same_origin(request))
    return refusal(403, "Forbidden");
  if (!is_key(request.header("Sec-WebSocket-Key")))
    return refusal(400, "Bad Request");
  return std::nullopt;
}

std::string accept_head(const relay::http_request& request) {
  std::string head = "HTTP/1.1 101 Switching Protocols\r\n"
                     "Upgrade: websocket\r\n"
                     "Connection: Upgrade\r\n"
                     "Sec-WebSocket-Accept: ";
  head += accept_value(request.header("Sec-WebSocket-Key"));
  head += "\r\nSec-WebSocket-Protocol: ";
  head += subprotocol;
  return head += "\r\n\r\n";
}

} // namespace natterjack::pow
