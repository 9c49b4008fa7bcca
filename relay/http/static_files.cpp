#include "relay/http/static_files.hpp"

#include "relay/http/response_head.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace natterjack::relay {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 31> types{{
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
    {".avif", "image/avif"},
    {".woff", "font/woff"},
    {".ttf", "font/ttf"},
    {".otf", "font/otf"},
    {".mp3", "audio/mpeg"},
    {".ogg", "audio/ogg"},
    {".wav", "audio/wav"},
    {".mp4", "video/mp4"},
    {".webm", "video/webm"},
    {".csv", "text/csv; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
}};

std::string type_of(const fs::path& file) {
  const auto ending = file.extension().string();
  auto i = std::find_if(types.begin(), types.end(), [&ending](const auto& type) {
    return same_word(type.first, ending);
  });
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

// RFC 9110 13.1.2: compared weakly, since compressing makes a tag weak.
bool lists_tag(std::string_view list, std::string_view tag) {
  for (auto item : list_items(list)) {
    if (item.starts_with("W/"))
      item.remove_prefix(2);
    if (item == "*" || item == tag)
      return true;
  }
  return false;
}

// A list may stand on several lines.
std::string whole_list(const http_request& request, std::string_view name) {
  std::string all;
  for (const auto& [key, value] : request.headers)
    if (same_word(key, name))
      all += (all.empty() ? "" : ",") + value;
  return all;
}

// RFC 9110 13.1.1 and 13.1.4: the client wants this version or none. Compared strongly: a weak tag is nobody's.
bool is_another(const http_request& request, std::string_view tag, std::time_t modified) {
  if (request.has("If-Match")) { // then If-Unmodified-Since does not count
    const auto list = whole_list(request, "If-Match");
    const auto items = list_items(list);
    return std::none_of(items.begin(), items.end(),
                        [tag](std::string_view item) { return item == "*" || item == tag; });
  }
  const auto since = parse_http_time(request.header("If-Unmodified-Since"));
  return since && modified > *since;
}

bool is_fresh(const http_request& request, std::string_view tag, std::time_t modified) {
  if (request.has("If-None-Match")) // then If-Modified-Since does not count
    return lists_tag(whole_list(request, "If-None-Match"), tag);
  const auto since = parse_http_time(request.header("If-Modified-Since"));
  return since && modified <= *since;
}

// RFC 9110 13.1.5: a part of another version would not fit what the client has.
bool may_be_part(const http_request& request, std::string_view tag, std::time_t modified) {
  if (!request.has("Range") || request.method == "HEAD")
    return false;
  const auto condition = request.header("If-Range");
  if (condition.empty())
    return true;
  if (condition.starts_with('"') || condition.starts_with("W/"))
    return condition == tag;
  return parse_http_time(condition) == modified;
}

http_response answer(const http_request& request, const fs::path& file, const std::string& cache) {
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
  response.set("Last-Modified", format_http_time(about.st_mtim.tv_sec));
  response.set("Accept-Ranges", "bytes");
  if (!cache.empty())
    response.set("Cache-Control", cache);
  if (is_another(request, tag, about.st_mtim.tv_sec)) {
    auto refusal = text_response(412, "the file is another one by now");
    refusal.set("ETag", tag);
    return refusal;
  }
  if (is_fresh(request, tag, about.st_mtim.tv_sec)) {
    response.status = 304;
    return response;
  }
  response.set("Content-Type", type_of(file));
  response.set("X-Content-Type-Options", "nosniff");
  const auto all = std::to_string(opened->size());
  if (may_be_part(request, tag, about.st_mtim.tv_sec)) {
    const auto range = read_range(request.header("Range"), opened->size());
    if (range.what == byte_range::kind::unsatisfiable) {
      auto refusal = text_response(416, "the file has " + all + " bytes");
      refusal.set("Content-Range", "bytes */" + all);
      return refusal;
    }
    if (range.what == byte_range::kind::one) {
      response.status = 206;
      response.file_offset = range.first;
      response.file_bytes = range.size;
      response.set("Content-Range", "bytes " + std::to_string(range.first) + "-" +
                                        std::to_string(range.first + range.size - 1) + "/" + all);
    }
  }
  response.file = std::move(opened);
  return response;
}

fs::path real_folder(const fs::path& folder) {
  std::error_code ec;
  auto real = fs::canonical(folder, ec);
  return ec ? folder : real;
}

// The same URL with a slash behind it, so that relative links of the index work.
http_response to_folder(const http_request& request) {
  auto response = text_response(301, "this is a folder");
  // Not a path of two slashes: a browser would take its first part for a host.
  const auto start = std::min(request.raw_path.find_first_not_of('/'), request.raw_path.size());
  response.set("Location", "/" + request.raw_path.substr(start) + "/" +
                               (request.query.empty() ? "" : "?" + request.query));
  return response;
}

class sendfile final : public middleware {
 public:
  explicit sendfile(const fs::path& folder) : folder_(real_folder(folder)) {}

  void after(const http_request& request, http_response& response) override {
    const std::string wanted(response.header("X-Sendfile"));
    if (wanted.empty() || response.status != 200)
      return;
    const std::string name(response.header("X-File-Name"));
    response.erase("X-Sendfile");
    response.erase("X-File-Name");
    const auto file = locate(folder_, wanted);
    auto sent = file ? answer(request, *file, "") : text_response(404, "not found");
    for (auto& [header, value] : response.headers)
      if (file && !same_word(header, "Content-Length"))
        sent.set(header, value); // what the handler says goes before what the file says
    if (file && !name.empty())
      sent.set("Content-Disposition", disposition(name));
    response = std::move(sent);
  }

 private:
  // RFC 6266: ASCII in quotes, everything in the extended form.
  static std::string disposition(const std::string& name) {
    std::string plain, extended;
    for (unsigned char c : name) {
      const bool simple = c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
      plain += simple ? static_cast<char>(c) : '_';
      char text[4];
      std::snprintf(text, sizeof text, "%%%02X", static_cast<unsigned>(c));
      if (std::isalnum(c) != 0 || c == '.' || c == '-' || c == '_')
        extended += static_cast<char>(c);
      else
        extended += text;
    }
    return "attachment; filename=\"" + plain + "\"; filename*=UTF-8''" + extended;
  }

  fs::path folder_;
};

} // namespace

byte_range read_range(std::string_view header, size_t file_bytes) noexcept {
  using kind = byte_range::kind;
  constexpr std::string_view unit = "bytes=";
  if (!same_word(header.substr(0, unit.size()), unit) || header.find(',') != std::string_view::npos)
    return {};
  header.remove_prefix(unit.size());
  auto number = [&header](size_t& to) {
    const auto [end, ec] = std::from_chars(header.data(), header.data() + header.size(), to);
    header.remove_prefix(static_cast<size_t>(end - header.data()));
    if (ec == std::errc::result_out_of_range)
      to = static_cast<size_t>(-1); // behind the end of any file
    return ec != std::errc::invalid_argument;
  };
  size_t first = 0, last = 0;
  if (header.starts_with('-')) { // the last so many bytes
    header.remove_prefix(1);
    if (!number(last) || !header.empty())
      return {};
    if (last == 0 || file_bytes == 0)
      return {kind::unsatisfiable};
    last = std::min(last, file_bytes);
    return {kind::one, file_bytes - last, last};
  }
  if (!number(first) || !header.starts_with('-'))
    return {};
  header.remove_prefix(1);
  if (header.empty())
    last = static_cast<size_t>(-1);
  else if (!number(last) || !header.empty() || last < first)
    return {};
  if (first >= file_bytes)
    return {kind::unsatisfiable};
  return {kind::one, first, std::min(last, file_bytes - 1) - first + 1};
}

http_handler serve_files(static_options options) {
  options.directory = real_folder(options.directory);
  return [options = std::move(options)](const std::shared_ptr<const http_request>& request,
                                        const http_reply& reply) {
    std::string wanted;
    for (const auto& [name, value] : request->params)
      if (name == "path")
        wanted = value;
    const bool folder = wanted.empty() || wanted.ends_with('/');
    if (wanted.empty() && !request->raw_path.ends_with('/')) // "/docs" of "/docs/{path...}"
      return reply(to_folder(*request));
    auto file = locate(options.directory, folder ? wanted + options.index : wanted);
    auto send = [&](const fs::path& found) {
      auto response = answer(*request, found, options.cache);
      if (auto said = options.media_types.find(found.extension().string());
          said != options.media_types.end() && !response.header("Content-Type").empty())
        response.set("Content-Type", said->second);
      reply(std::move(response));
    };
    if (file)
      return send(*file);
    if (!folder && !options.index.empty() &&
        locate(options.directory, wanted + "/" + options.index))
      return reply(to_folder(*request));
    if (options.spa)
      file = locate(options.directory, options.index);
    if (file)
      send(*file);
    else
      reply(text_response(404, "not found"));
  };
}

std::shared_ptr<middleware> make_sendfile(fs::path directory) {
  return std::make_shared<sendfile>(directory);
}

} // namespace natterjack::relay
