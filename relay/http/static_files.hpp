// Files of a folder over HTTP: types by ending, ETag, an index, and pages of single-page applications.
#pragma once

#include "relay/http/exchange.hpp"

#include <filesystem>
#include <optional>
#include <string>

namespace natterjack::relay {

struct static_options {
  std::filesystem::path directory;   ///< nothing outside of it is served, also not through links
  std::string index = "index.html";  ///< for a path that ends in "/"; empty: none
  bool spa = false;                  ///< a missing file is answered with the index
  std::string cache;                 ///< value of Cache-Control; empty: none
};

/// Answers GET and HEAD for the path parameter `path` of its route.
http_handler serve_files(static_options options);

} // namespace natterjack::relay
