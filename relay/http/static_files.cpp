#include "relay/http/static_files.hpp"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace natterjack::relay {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 20> types{{
    {".html", "text/html; charset=utf-8"},
    {".htm", "text/html; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".mjs", "text/javascript; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".txt", "text/plain; charset=utf-8"},
    {".md", "text/markdown; charset=utf-8"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".jpeg", "image/jpeg"},
    {".gif", "image/gif"},
    {".webp", "image/webp"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".wasm", "application/wasm"},
    {".xml", "application/xml"},
    {".pdf", "application/pdf"},
}};

std::string type_of(const fs::path& file) {
  const auto ending = file.extension().string();
  auto i = std::find_if(types.begin(), types.end(),
                        [&ending](const auto& type) { return type.first == ending; });
  return std::string(i == types.end() ? "application/octet-stream" : i->second);
}

// The file below `root`, or nothing if it is not there, not a file, or leads outside.
std::optional<fs::path> locate(const fs::path& root, const std::string& relative) {
  if (relative.find('\0') != std::string::npos)
    return std::nullopt;
  std::error_code ec;
  const auto real = fs::canonical(root / fs::path(relative).relative_path(), ec);
  if (ec)
    return std::nullopt;
  const auto [end, rest] = std::mismatch(root.begin(), root.end(), real.begin(), real.end());
  if (end != root.end() || !fs::is_regular_file(real, ec))
    return std::nullopt;
  return real;
}

http_response answer(const http_request& request, const fs::path& file,
                     const static_options& options) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat about {};
  if (descriptor < 0 || ::fstat(descriptor, &about) != 0) {
    if (descriptor >= 0)
      ::close(descriptor);
    return text_response(404, "not found");
  }
  auto opened = std::make_shared<open_file>(descriptor, static_cast<size_t>(about.st_size));
  char tag[64];
  std::snprintf(tag, sizeof tag, "\"%lx-%lx-%lx\"", static_cast<long>(about.st_mtim.tv_sec),
                static_cast<long>(about.st_mtim.tv_nsec), static_cast<long>(about.st_size));
  http_response response;
  response.set("ETag", tag);
  if (!options.cache.empty())
    response.set("Cache-Control", options.cache);
  if (request.header("If-None-Match") == tag) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", type_of(file));
  response.set("X-Content-Type-Options", "nosniff");
  response.file = std::move(opened);
  return response;
}

} // namespace

http_handler serve_files(static_options options) {
  std::error_code ec;
  if (auto real = fs::canonical(options.directory, ec); !ec)
    options.directory = real;
  return [options = std::move(options)](const std::shared_ptr<const http_request>& request,
                                        const http_reply& reply) {
    std::string wanted;
    for (const auto& [name, value] : request->params)
      if (name == "path")
        wanted = value;
    if ((wanted.empty() || wanted.ends_with('/')) && !options.index.empty())
      wanted += options.index;
    auto file = locate(options.directory, wanted);
    if (!file && options.spa)
      file = locate(options.directory, options.index);
    reply(file ? answer(*request, *file, options) : text_response(404, "not found"));
  };
}

} // namespace natterjack::relay
