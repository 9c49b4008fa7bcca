// Middleware `compress`: gzip for answers that become shorter by it (RFC 9110 8.4).
//
// Texts, scripts, JSON and the like of at least `bytes_min`, for clients that take gzip. Left alone: what is
// encoded already, parts of files, streams, and files above `file_bytes_max`, which are sent by the kernel
// instead. A strong ETag becomes a weak one, since the bytes are no longer those it stands for.
#pragma once

#include "relay/http/middleware.hpp"

namespace natterjack::relay {

struct compress_options {
  int level = 6;           ///< 1 to 9
  size_t bytes_min = 1024; ///< shorter answers gain nothing
  size_t file_bytes_max = 1 << 20;
};

std::shared_ptr<middleware> make_compress(compress_options options);

/// RFC 9110 12.5.3: whether an Accept-Encoding header takes gzip.
bool takes_gzip(std::string_view accept_encoding) noexcept;

/// @returns empty if the result would not be shorter
std::string gzip(std::string_view bytes, int level);

} // namespace natterjack::relay
