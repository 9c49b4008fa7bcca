// The head of a response as bytes, and the way back from percent-encoding.
#pragma once

#include "relay/http/exchange.hpp"

#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace natterjack::relay {

/// How the end of a body is seen.
struct framing {
  bool keep_alive = true;
  bool chunked = false;  ///< length not known; else Content-Length, unless the connection's end is the end
  bool until_end = false;
  bool http_1_0 = false; ///< keeping a connection must be said
};

/// Status line and fields up to the empty line: the response's own fields, then Content-Length or
/// Transfer-Encoding, Date and Connection, which are the server's business and are dropped from the
/// response's own.
std::string response_head(const http_response& response, framing how);

/// One chunk of a chunked body (RFC 9112 7.1); of an empty text: the last.
std::string encode_chunk(std::string_view bytes);

/// As HTTP writes times (RFC 9110 5.6.7), and back; nothing for another text.
std::string format_http_time(std::time_t when);
std::optional<std::time_t> parse_http_time(std::string_view text);

/// @returns false for a broken % escape or a NUL
bool percent_decode(std::string_view text, std::string& out);

/// First value of a parameter of a query string, decoded.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

} // namespace natterjack::relay
