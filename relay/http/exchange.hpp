// One HTTP request and its answer, as handlers see them: plain values, no sockets.
#pragma once

#include "hub/process.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::relay {

using header_list = std::vector<std::pair<std::string, std::string>>;

class body_stream;

/// Who sends a request, as the middleware `token_auth` found out.
struct request_actor {
  std::string id;
  std::string value;                 ///< JSON object with `id` and `meta`
  bool has_scope = false;            ///< the token came with policies, maybe none
  std::vector<std::string> policies; ///< ids of those that say what it may
};

struct http_request {
  std::string method;
  std::string target;      ///< as on the request line
  std::string raw_path;    ///< as sent, without the query
  std::string path;        ///< percent-decoded
  std::string query;       ///< raw, without the question mark
  std::string host;        ///< value of Host
  std::string remote_addr; ///< address:port
  header_list headers;     ///< in order, as sent
  header_list params;      ///< path parameters: {name} -> value
  std::string body;        ///< complete, within body_bytes, unless `incoming` is set
  std::shared_ptr<body_stream> incoming; ///< set: the body comes here, piece by piece
  bool secure = false;     ///< came through TLS
  std::string route;       ///< pattern of the route that answers
  std::string route_id;    ///< entry of that route; empty: none
  std::chrono::steady_clock::time_point received{};
  std::shared_ptr<const request_actor> actor; ///< null: nobody is known

  /// First value of a header, any case; empty view if absent (`has` tells the difference).
  std::string_view header(std::string_view name) const noexcept;
  bool has(std::string_view name) const noexcept;
};

/// A file opened for reading, sent by the kernel.
class open_file {
 public:
  open_file(int descriptor, size_t size) noexcept : descriptor_(descriptor), size_(size) {}
  ~open_file();
  open_file(const open_file&) = delete;
  open_file& operator=(const open_file&) = delete;
  int descriptor() const noexcept { return descriptor_; }
  size_t size() const noexcept { return size_; }

 private:
  int descriptor_;
  size_t size_;
};

struct http_response {
  unsigned status = 200;
  header_list headers;
  std::string body;
  std::shared_ptr<const open_file> file; ///< set: the body is this file, or a part of it
  size_t file_offset = 0;
  size_t file_bytes = static_cast<size_t>(-1); ///< at most to the file's end
  std::shared_ptr<body_stream> stream; ///< set: comes piece by piece behind `body`; see body_stream.hpp

  /// Bytes of the body, without what a stream gives.
  size_t body_size() const noexcept;

  /// Replaces every header of that name, any case.
  void set(std::string_view name, std::string value);
  std::string_view header(std::string_view name) const noexcept;
  void erase(std::string_view name);
};

/// Adds an item to a header that is a comma list, unless it is there.
void add_to_list(http_response& response, std::string_view name, std::string_view item);
/// The items of a comma list, without the spaces around them; empty ones are dropped.
std::vector<std::string_view> list_items(std::string_view list);
/// Equal but for the case of ASCII letters.
bool same_word(std::string_view a, std::string_view b) noexcept;

/// A short text answer, as errors are given.
http_response text_response(unsigned status, std::string text);

/// Gives the answer; from any thread, once. Further calls do nothing.
using http_reply = std::function<void(http_response)>;

/// Answers a request, now or later. Called on an io thread: never blocks.
using http_handler = std::function<void(std::shared_ptr<const http_request>, http_reply)>;

} // namespace natterjack::relay
