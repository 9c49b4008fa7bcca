#include "relay/websocket/handshake.hpp"

#include <openssl/evp.h>
#include <openssl/sha.h>

#include <string_view>
#include <strings.h>

namespace natterjack::relay {

namespace {

std::string accept_key(std::string_view key) {
  constexpr std::string_view appended = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"; // RFC 6455 1.3
  std::string text(key);
  text += appended;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  unsigned char encoded[32];
  const int size = EVP_EncodeBlock(encoded, digest, sizeof digest);
  return {reinterpret_cast<const char*>(encoded), static_cast<size_t>(size)};
}

bool is_ours(const std::string& name) {
  for (const char* own : {"Upgrade", "Connection", "Sec-WebSocket-Accept", "Content-Length",
                          "Transfer-Encoding", "Sec-WebSocket-Extensions"})
    if (::strcasecmp(name.c_str(), own) == 0)
      return true;
  return false;
}

} // namespace

std::string handshake_answer(const http_request& upgrade, const header_list& extra,
                             const std::string& extensions) {
  std::string answer = "HTTP/1.1 101 Switching Protocols\r\n"
                       "Upgrade: websocket\r\n"
                       "Connection: Upgrade\r\n"
                       "Sec-WebSocket-Accept: ";
  answer += accept_key(upgrade.header("Sec-WebSocket-Key"));
  answer += "\r\n";
  if (!extensions.empty())
    answer += "Sec-WebSocket-Extensions: " + extensions + "\r\n";
  for (const auto& [name, value] : extra)
    if (!is_ours(name))
      answer += name + ": " + value + "\r\n";
  return answer += "\r\n";
}

} // namespace natterjack::relay
