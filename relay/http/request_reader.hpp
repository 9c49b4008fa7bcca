// Requests out of the bytes of one connection, each within the gateway's bounds.
//
//   parse          result      when
//                  need_more   more bytes must come
//                  head        once a request, as soon as its head is there: `request` knows all but the body
//                  done        `take` gives the whole request
//                  failed      `failure` is the answer; nothing more can be read
//
//   bounds   head_bytes, header_count 431; body_bytes 413; head_bytes again for each line of a chunk and
//            for all fields behind the last
//   never    reads fields behind a chunked body into the request: they came after the checks
#pragma once

#include "relay/http/exchange.hpp"
#include "relay/limits.hpp"

#include <memory>
#include <string_view>

namespace natterjack::relay {

class request_reader {
 public:
  enum class outcome : uint8_t { need_more, head, done, failed };

  /// @param any_target  for a gateway of websockets alone: no Host is asked for, and a target that
  ///                    is no path stands for "/"; but HTTP/1.0 has no upgrades (RFC 6455 4.1)
  explicit request_reader(const gateway_limits& limits, bool any_target = false);
  ~request_reader();

  /// Room for bytes from the socket, then how many came.
  std::pair<char*, size_t> prepare();
  void commit(size_t bytes);

  outcome parse();

  // -- from `head` on
  http_request& request() noexcept { return *request_; }
  bool keep_alive() const noexcept { return keep_alive_; }
  bool is_http_1_0() const noexcept { return http_1_0_; }
  /// The client waits for a word before it sends the body.
  bool expects_continue() const noexcept { return expects_continue_; }

  /// The request; the next one begins.
  std::shared_ptr<http_request> take();

  // -- instead of `take`, before the body is there
  /// The request without its body, which `parse` goes on with.
  std::shared_ptr<http_request> take_head();
  /// Bytes of the body that have come and were not taken.
  size_t body_bytes() const noexcept;
  std::string take_piece();
  /// Behind `done`: the next request begins.
  void end_body();

  http_response failure() { return std::move(failure_); }

  /// Something of a request is there.
  bool has_begun() const noexcept;
  /// What came behind the request.
  std::string_view leftover() const noexcept;
  void drop_input();

 private:
  struct state;
  outcome fail(http_response response);
  outcome refuse(const void* error);
  outcome on_head();
  bool split_target();

  const gateway_limits& limits_;
  const bool any_target_;
  std::unique_ptr<state> state_;
  std::shared_ptr<http_request> request_;
  http_response failure_;
  bool keep_alive_ = true;
  bool http_1_0_ = false;
  bool expects_continue_ = false;
};

} // namespace natterjack::relay
