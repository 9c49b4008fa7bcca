// Requests to other servers: one connection each, on the io threads.
//
//   fetch, request, done     the answer, complete            or why there is none, as a sentence
//
//   follows   redirects of GET and HEAD, ten at most
//   bounds    `timeout` for everything together, `body_max` bytes of answer
//   never     blocks, keeps a connection open behind its answer
#pragma once

#include "relay/http/exchange.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace natterjack::relay {

class io_pool;

struct client_tls {
  std::string ca;   ///< PEM; empty: those of the system
  std::string cert; ///< PEM of a client certificate, with `key`
  std::string key;
  std::string server_name; ///< empty: the host of the URL
  bool verify = true;
};

/// `http://host:port/path?query`, taken apart.
struct url_parts {
  bool is_secure = false;
  std::string host; ///< without brackets
  std::string port;
  std::string target; ///< path and query, at least "/"
  std::string authority; ///< value of Host
};

/// @param plain   scheme without TLS, such as "http"; @param secure  the one with it
std::optional<url_parts> parse_url(std::string_view url, std::string_view plain,
                                   std::string_view secure, std::string& why);

/// Why these cannot be sent as they are (RFC 9110 5.1, 5.5): a name that is no token, a value with a line
/// break or a NUL, which would end the line it stands in. Empty: they can.
std::string find_bad_header(const header_list& headers);
/// RFC 9110 5.6.2.
bool is_token(std::string_view text) noexcept;

struct client_request {
  std::string method = "GET";
  std::string url;
  header_list headers;
  std::string body;
  std::chrono::nanoseconds timeout{std::chrono::seconds(30)};
  size_t body_max = 64u << 20;
  client_tls tls;
};

struct client_answer {
  unsigned status = 0;
  header_list headers;
  std::string body;
  std::string url;   ///< behind redirects
  std::string error; ///< not empty: there is no answer
  bool invalid = false; ///< of `error`: the request itself is wrong
};

class http_client {
 public:
  explicit http_client(io_pool& threads) : threads_(threads) {}
  /// @param done  once, on an io thread
  void fetch(client_request request, std::function<void(client_answer)> done);

 private:
  io_pool& threads_;
};

} // namespace natterjack::relay
