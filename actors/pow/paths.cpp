#include "actors/pow/paths.hpp"

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

std::string_view raw_path(const relay::http_request& request) noexcept {
  std::string_view target = request.target;
  if (target.starts_with("http://")) { // RFC 9112 3.2.2: absolute form
    const auto slash = target.find('/', 7);
    target = slash == std::string_view::npos ? "/" : target.substr(slash);
  }
  return target.substr(0, target.find('?'));
}

bool is_websocket_path(std::string_view base, std::string_view path) noexcept {
  return path.starts_with(base) || path == base.substr(0, base.size() - 1) || base == "/";
}

relay::http_response not_found() { return relay::text_response(404, "404 page not found"); }

relay::http_response redirect(const relay::http_request& request, std::string path) {
  if (const auto mark = request.target.find('?'); mark != std::string::npos)
    path.append(request.target, mark);
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
