// Files of a folder over HTTP: types by ending, an index, pages of single-page applications, and what
// browsers ask of files they know already.
//
//   If-None-Match, If-Modified-Since   304       (RFC 9110 13)
//   Range, If-Range                    206, 416  one range; several are answered with the whole file
//   a folder without its slash         301
#pragma once

#include "relay/http/middleware.hpp"

#include <filesystem>
#include <map>
#include <string>

namespace natterjack::relay {

struct static_options {
  std::filesystem::path directory;   ///< nothing outside of it is served, also not through links
  std::string index = "index.html";  ///< for a path that ends in "/"; empty: none
  bool spa = false;                  ///< a missing file is answered with the index
  std::string cache;                 ///< value of Cache-Control; empty: none
  std::map<std::string, std::string> media_types; ///< by ending (`.wasm`), before the usual ones
};

/// Answers GET and HEAD for the path parameter `path` of its route.
http_handler serve_files(static_options options);

/// Middleware `sendfile`: an answer with `X-Sendfile: path` becomes that file of the folder, with the name
/// of `X-File-Name` for who saves it.
std::shared_ptr<middleware> make_sendfile(std::filesystem::path directory);

/// One range of `Range: bytes=...` within a file.
struct byte_range {
  enum class kind : uint8_t { none, one, unsatisfiable } what = kind::none;
  size_t first = 0, size = 0;
};
/// Several ranges and what is no range count as none (RFC 9110 14.2: a server may ignore the header).
byte_range read_range(std::string_view header, size_t file_bytes) noexcept;

} // namespace natterjack::relay
