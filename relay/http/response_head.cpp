#include "relay/http/response_head.hpp"

#include <boost/beast/http/status.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <strings.h>

namespace natterjack::relay {

namespace {

// Made once a second and thread.
const std::string& http_date() {
  thread_local std::time_t made = 0;
  thread_local std::string text;
  const auto now = std::time(nullptr);
  if (now != made) {
    made = now;
    text = format_http_time(now);
  }
  return text;
}

bool is_ours(const std::string& name, unsigned status) {
  for (const char* own : {"Content-Length", "Transfer-Encoding", "Date"})
    if (::strcasecmp(name.c_str(), own) == 0)
      return true;
  // "Connection: Upgrade" of a 426 is the answer's own.
  return status != 426 && ::strcasecmp(name.c_str(), "Connection") == 0;
}

} // namespace

std::string response_head(const http_response& response, framing how) {
  namespace http = boost::beast::http;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  const auto known = http::int_to_status(response.status);
  if (response.status == 418)
    head += "I'm a teapot"; // RFC 9110 15.5.19 keeps the number for it
  else if (known == http::status::unknown)
    head += "Status " + std::to_string(response.status);
  else
    head += std::string(http::obsolete_reason(known));
  head += "\r\n";
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name, response.status))
      continue;
    head += name + ": " + value + "\r\n";
  }
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body && how.chunked)
    head += "Transfer-Encoding: chunked\r\n";
  else if (has_body && !how.until_end)
    head += "Content-Length: " + std::to_string(response.body_size()) + "\r\n";
  head += "Date: " + http_date() + "\r\n";
  if (!how.keep_alive)
    head += "Connection: close\r\n";
  else if (how.http_1_0 || how.chunked)
    head += "Connection: keep-alive\r\n";
  return head += "\r\n";
}

std::string encode_chunk(std::string_view bytes) {
  char size[20];
  const int n = std::snprintf(size, sizeof size, "%zx\r\n", bytes.size());
  std::string chunk;
  chunk.reserve(static_cast<size_t>(n) + bytes.size() + 2);
  chunk.append(size, static_cast<size_t>(n)).append(bytes).append("\r\n");
  return chunk;
}

std::string format_http_time(std::time_t when) {
  std::tm utc{};
  ::gmtime_r(&when, &utc);
  char buffer[40];
  return {buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc)};
}

std::optional<std::time_t> parse_http_time(std::string_view text) {
  const std::string copy(text);
  for (const char* form : {"%a, %d %b %Y %H:%M:%S GMT", "%A, %d-%b-%y %H:%M:%S GMT", "%a %b %d %H:%M:%S %Y"}) {
    std::tm utc{};
    const char* end = ::strptime(copy.c_str(), form, &utc);
    if (end != nullptr && *end == '\0')
      return ::timegm(&utc);
  }
  return std::nullopt;
}

bool percent_decode(std::string_view text, std::string& out) {
  out.clear();
  out.reserve(text.size());
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i];
      continue;
    }
    unsigned value = 0;
    const auto digits = text.substr(i + 1, 2);
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
    if (ec != std::errc{} || digits.size() != 2 || end != digits.data() + 2 || value == 0)
      return false;
    out += static_cast<char>(value);
    i += 2;
  }
  return true;
}

std::optional<std::string> query_value(std::string_view query, std::string_view name) {
  std::string key;
  while (!query.empty()) {
    const auto pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const auto equals = std::min(pair.find('='), pair.size());
    if (!percent_decode(pair.substr(0, equals), key) || key != name)
      continue;
    std::string value(pair.substr(std::min(pair.size(), equals + 1)));
    std::replace(value.begin(), value.end(), '+', ' ');
    std::string decoded;
    return percent_decode(value, decoded) ? decoded : value;
  }
  return std::nullopt;
}

} // namespace natterjack::relay
