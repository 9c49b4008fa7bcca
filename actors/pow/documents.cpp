#include "actors/pow/documents.hpp"

#include "actors/pow/docs_assets.hpp"
#include "actors/pow/json_text.hpp"
#include "actors/pow/paths.hpp"
#include "relay/http/compress.hpp"

#include <zlib.h>

#include <algorithm>
#include <charconv>
#include <stdexcept>

namespace natterjack::pow {

namespace {

struct byte_range {
  size_t first = 0;
  size_t size = 0;
};

enum class range_result : uint8_t { whole, part, malformed, beyond };

bool read_number(std::string_view text, size_t& out) {
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), out);
  return ec == std::errc{} && end == text.data() + text.size();
}

// RFC 9110 14.1.2, one range; several are answered with all there is.
range_result read_range(const relay::http_request& request, size_t total, byte_range& out) {
  auto header = request.header("Range");
  if (header.empty() || request.has("If-Range")) // what it names cannot be ours: there is no validator
    return range_result::whole;
  if (!header.starts_with("bytes="))
    return range_result::malformed;
  header.remove_prefix(6);
  const auto ranges = relay::list_items(header);
  if (ranges.size() != 1)
    return range_result::whole;
  const auto range = ranges.front();
  const auto dash = range.find('-');
  if (dash == std::string_view::npos)
    return range_result::malformed;
  const auto left = range.substr(0, dash);
  const auto right = range.substr(dash + 1);
  size_t first = 0;
  size_t last = 0;
  if (left.empty()) {
    if (!read_number(right, last))
      return range_result::malformed;
    out.size = std::min(last, total);
    out.first = total - out.size;
    return out.size == 0 ? range_result::beyond : range_result::part;
  }
  if (!read_number(left, first))
    return range_result::malformed;
  if (first >= total)
    return range_result::beyond;
  last = total - 1;
  if (!right.empty() && (!read_number(right, last) || last < first))
    return range_result::malformed;
  out.first = first;
  out.size = std::min(last, total - 1) - first + 1;
  return range_result::part;
}

std::string unpack(std::string_view gzip) {
  z_stream stream{};
  if (inflateInit2(&stream, 15 + 16) != Z_OK)
    throw std::runtime_error("cannot unpack a page");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string result;
  char part[64 << 10];
  int state = Z_OK;
  while (state == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(part);
    stream.avail_out = sizeof part;
    state = inflate(&stream, Z_NO_FLUSH);
    result.append(part, sizeof part - stream.avail_out);
  }
  inflateEnd(&stream);
  if (state != Z_STREAM_END)
    throw std::runtime_error("cannot unpack a page");
  return result;
}

const char* type_of(std::string_view name) noexcept {
  if (name.ends_with(".css"))
    return "text/css; charset=utf-8";
  if (name.ends_with(".js"))
    return "application/javascript";
  if (name.ends_with(".png"))
    return "image/png";
  return "text/html";
}

// The page: nothing but the stock assets, pointed at the description of this service.
std::string make_page(const std::string& base) {
  std::string description_url;
  append_json_text(description_url, base + "openapi.json");
  std::string page = R"(<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="utf-8">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>process_over_websocket - Swagger UI</title>
  <link rel="stylesheet" href="@swagger-ui.css">
  <link rel="icon" type="image/png" sizes="32x32" href="@favicon-32x32.png">
  <link rel="icon" type="image/png" sizes="16x16" href="@favicon-16x16.png">
  <style>body { margin: 0; background: #fafafa; }</style>
</head>
<body>
  <div id="swagger-ui"></div>
  <script src="@swagger-ui-bundle.js"></script>
  <script src="@swagger-ui-standalone-preset.js"></script>
  <script>
    window.addEventListener("load", () => {
      window.ui = SwaggerUIBundle({
        url: new URL(#, window.location.origin).href,
        dom_id: "#swagger-ui",
        deepLinking: true,
        validatorUrl: null,
        presets: [SwaggerUIBundle.presets.apis, SwaggerUIStandalonePreset],
        plugins: [SwaggerUIBundle.plugins.DownloadUrl],
        layout: "StandaloneLayout",
      });
    });
  </script>
</body>
</html>
)";
  const auto folder = base + "docs/"; // may hold an @ itself
  for (size_t at = 0; (at = page.find('@', at)) != std::string::npos; at += folder.size())
    page.replace(at, 1, folder);
  page.replace(page.find("#,"), 1, description_url);
  return page;
}

relay::http_response content(const char* type, std::string body) {
  relay::http_response response;
  response.headers.emplace_back("Content-Type", type);
  response.body = std::move(body);
  return response;
}

} // namespace

documents::documents(const service_options& options)
    : openapi_(make_openapi(options)), page_(make_page(escape_path(options.base_path))) {}

relay::http_response documents::openapi(const relay::http_request& request) const {
  byte_range part;
  const auto found = read_range(request, openapi_.size(), part);
  if (found == range_result::malformed || found == range_result::beyond) {
    auto response = relay::text_response(416, found == range_result::malformed
                                                  ? "invalid range"
                                                  : "invalid range: failed to overlap");
    response.headers.emplace_back("Content-Range", "bytes */" + std::to_string(openapi_.size()));
    return response;
  }
  auto response = content("application/json", openapi_);
  response.headers.emplace_back("Accept-Ranges", "bytes");
  if (found == range_result::part) {
    response.status = 206;
    response.headers.emplace_back("Content-Range",
                                  "bytes " + std::to_string(part.first) + "-" +
                                      std::to_string(part.first + part.size - 1) + "/" +
                                      std::to_string(openapi_.size()));
    response.body = openapi_.substr(part.first, part.size);
  }
  return response;
}

relay::http_response documents::docs(const relay::http_request& request,
                                     const std::string& name) const {
  const auto assets = docs_assets();
  if (assets.empty())
    return not_found();
  if (name.empty())
    return content("text/html", page_);
  const auto found = std::find_if(assets.begin(), assets.end(),
                                  [&name](const docs_asset& a) { return a.name == name; });
  if (found == assets.end())
    return not_found();
  const bool packed = relay::takes_gzip(request.header("Accept-Encoding"));
  auto response = content(type_of(name), {});
  response.headers.emplace_back("Etag", std::string(found->hash));
  response.headers.emplace_back("Vary", "Accept-Encoding");
  if (const auto known = request.header("If-None-Match");
      !known.empty() && known.find(found->hash) != std::string_view::npos) {
    response.status = 304;
    return response;
  }
  if (packed)
    response.headers.emplace_back("Content-Encoding", "gzip");
  response.body = packed ? std::string(found->gzip) : unpack(found->gzip);
  return response;
}

} // namespace natterjack::pow
