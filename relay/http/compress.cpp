#include "relay/http/compress.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <unistd.h>

namespace natterjack::relay {

namespace {

bool is_text(std::string_view type) {
  type = type.substr(0, type.find(';'));
  constexpr std::array<std::string_view, 9> others{
      "application/json",     "application/javascript", "application/xml",
      "application/wasm",     "application/xhtml+xml",  "application/manifest+json",
      "image/svg+xml",        "application/x-ndjson",   "application/rss+xml"};
  if (type.starts_with("text/"))
    return type != "text/event-stream";
  return type.ends_with("+json") || type.ends_with("+xml") ||
         std::find(others.begin(), others.end(), type) != others.end();
}

class compress final : public middleware {
 public:
  explicit compress(compress_options options) : options_(options) {}

  void after(const http_request& request, http_response& response) override {
    const auto size = response.body_size();
    const bool whole = !response.file || size == response.file->size();
    if (response.status < 200 || response.status == 204 || response.status == 206 ||
        response.status == 304 || response.stream || !whole || size < options_.bytes_min ||
        size > options_.file_bytes_max || // it would hold up all clients of this thread
        !response.header("Content-Encoding").empty() || !response.header("Content-Range").empty() ||
        !is_text(response.header("Content-Type")))
      return;
    add_to_list(response, "Vary", "Accept-Encoding");
    if (!takes_gzip(request.header("Accept-Encoding")))
      return;
    if (response.file && !load(response))
      return;
    auto packed = gzip(response.body, options_.level);
    if (packed.empty())
      return;
    response.body = std::move(packed);
    response.set("Content-Encoding", "gzip");
    response.erase("Accept-Ranges");
    if (const auto tag = response.header("ETag"); tag.starts_with('"'))
      response.set("ETag", "W/" + std::string(tag));
  }

 private:
  static bool load(http_response& response) {
    std::string bytes(response.file->size(), '\0');
    size_t done = 0;
    while (done < bytes.size()) {
      const auto n = ::pread(response.file->descriptor(), bytes.data() + done, bytes.size() - done,
                             static_cast<off_t>(done));
      if (n <= 0)
        return false;
      done += static_cast<size_t>(n);
    }
    response.body = std::move(bytes);
    response.file.reset();
    return true;
  }

  compress_options options_;
};

} // namespace

bool takes_gzip(std::string_view accept_encoding) noexcept {
  std::optional<bool> named, any;
  while (!accept_encoding.empty()) {
    auto item = accept_encoding.substr(0, accept_encoding.find(','));
    accept_encoding.remove_prefix(std::min(accept_encoding.size(), item.size() + 1));
    const auto semicolon = std::min(item.find(';'), item.size());
    auto name = item.substr(0, semicolon);
    while (!name.empty() && (name.front() == ' ' || name.front() == '\t'))
      name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '\t'))
      name.remove_suffix(1);
    // A weight of 0, 0.0 ... is a no.
    const auto parameters = item.substr(semicolon);
    const auto weight = parameters.find("q=");
    const bool taken = weight == std::string_view::npos ||
                       parameters.find_first_of("123456789", weight) != std::string_view::npos;
    if (same_word(name, "gzip") || same_word(name, "x-gzip"))
      named = taken;
    else if (name == "*")
      any = taken;
  }
  return named.value_or(any.value_or(false));
}

std::string gzip(std::string_view bytes, int level) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16; // zlib's way to ask for gzip's head and tail
  if (::deflateInit2(&stream, level, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
    return {};
  std::string packed(bytes.size(), '\0'); // no room: it would not be shorter
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  const bool done = ::deflate(&stream, Z_FINISH) == Z_STREAM_END;
  packed.resize(done ? stream.total_out : 0);
  ::deflateEnd(&stream);
  return packed.size() < bytes.size() ? packed : std::string();
}

std::shared_ptr<middleware> make_compress(compress_options options) {
  return std::make_shared<compress>(options);
}

} // namespace natterjack::relay
