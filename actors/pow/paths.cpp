#include "actors/pow/paths.hpp"

#include "relay/http/response_head.hpp"

#include <algorithm>
#include <cctype>
#include <vector>

namespace natterjack::pow {

namespace {

std::string escape_html(std::string_view text) {
  std::string result;
  for (const char c : text) {
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&#34;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        result += c;
    }
  }
  return result;
}

} // namespace

std::string clean_path(std::string_view path) {
  std::vector<std::string_view> kept;
  for (size_t at = 0; at <= path.size();) {
    auto end = path.find('/', at);
    if (end == std::string_view::npos)
      end = path.size();
    const auto part = path.substr(at, end - at);
    if (part == "..") {
      if (!kept.empty())
        kept.pop_back();
    } else if (!part.empty() && part != ".") {
      kept.push_back(part);
    }
    at = end + 1;
  }
  std::string result;
  for (const auto part : kept)
    result.append("/").append(part);
  if (result.empty() || path.ends_with('/'))
    result += '/';
  return result;
}

std::string clean_base_path(std::string_view path) {
  auto result = clean_path(path);
  if (!result.ends_with('/'))
    result += '/';
  return result;
}

std::optional<std::string_view> path_below(std::string_view base, std::string_view raw_path) {
  if (raw_path.starts_with(base))
    return raw_path.substr(base.size());
  // Escaped: as many segments as the base has.
  size_t end = 0;
  for (auto left = std::count(base.begin(), base.end(), '/'); left > 0; --left) {
    const auto slash = raw_path.find('/', end);
    if (slash == std::string_view::npos)
      return std::nullopt;
    end = slash + 1;
  }
  std::string decoded;
  if (!relay::percent_decode(raw_path.substr(0, end), decoded) || decoded != base)
    return std::nullopt;
  return raw_path.substr(end);
}

std::string escape_path(std::string_view path) {
  constexpr std::string_view plain = "-._~!$()*+,;=:@/";
  constexpr char digits[] = "0123456789ABCDEF";
  auto is_hex = [path](size_t i) {
    return i < path.size() && std::isxdigit(static_cast<unsigned char>(path[i])) != 0;
  };
  std::string result;
  for (size_t i = 0; i < path.size(); ++i) {
    const auto c = static_cast<unsigned char>(path[i]);
    const bool is_escape = c == '%' && is_hex(i + 1) && is_hex(i + 2);
    if ((c < 0x80 && std::isalnum(c) != 0) || plain.find(path[i]) != std::string_view::npos ||
        is_escape) {
      result += path[i];
    } else {
      result += '%';
      result += digits[c >> 4];
      result += digits[c & 15];
    }
  }
  return result;
}

bool is_websocket_path(std::string_view base, std::string_view path) noexcept {
  return path.starts_with(base) || path == base.substr(0, base.size() - 1) || base == "/";
}

relay::http_response not_found() { return relay::text_response(404, "404 page not found"); }

relay::http_response redirect(const relay::http_request& request, std::string path) {
  const auto query = std::min(request.target.find('?'), request.target.size());
  if (request.target.size() - query > 1) // an empty one is dropped
    path.append(request.target, query);
  relay::http_response response;
  response.status = 307;
  response.headers.emplace_back("Location", path);
  if (request.method == "GET" || request.method == "HEAD") {
    response.headers.emplace_back("Content-Type", "text/html; charset=utf-8");
    response.body = "<a href=\"" + escape_html(path) + "\">Temporary Redirect</a>.\n\n";
  }
  return response;
}

} // namespace natterjack::pow
