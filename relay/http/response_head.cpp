#include "relay/http/response_head.hpp"

#include <boost/beast/http/status.hpp>

#include <charconv>
#include <ctime>
#include <strings.h>

namespace natterjack::relay {

namespace {

// RFC 9110 5.6.7, made once a second and thread.
const std::string& http_date() {
  thread_local std::time_t made = 0;
  thread_local std::string text;
  const auto now = std::time(nullptr);
  if (now != made) {
    made = now;
    std::tm utc{};
    ::gmtime_r(&now, &utc);
    char buffer[40];
    text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &utc));
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

std::string response_head(const http_response& response, bool keep_alive) {
  namespace http = boost::beast::http;
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " ";
  const auto reason = http::obsolete_reason(http::int_to_status(response.status));
  head.append(reason.data(), reason.size());
  head += "\r\n";
  for (const auto& [name, value] : response.headers) {
    if (is_ours(name, response.status))
      continue;
    head += name + ": " + value + "\r\n";
  }
  const bool has_body = response.status >= 200 && response.status != 204 && response.status != 304;
  if (has_body)
    head += "Content-Length: " +
            std::to_string(response.file ? response.file->size() : response.body.size()) + "\r\n";
  head += "Date: " + http_date() + "\r\n";
  if (!keep_alive)
    head += "Connection: close\r\n";
  return head += "\r\n";
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

} // namespace natterjack::relay
