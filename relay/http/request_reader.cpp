#include "relay/http/request_reader.hpp"

#include "hub/counters.hpp"

#include "relay/http/response_head.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include <algorithm>
#include <cctype>
#include <optional>

namespace natterjack::relay {

namespace beast = boost::beast;
namespace http = beast::http;
using boost::system::error_code;

namespace {

constexpr size_t read_bytes = 8 << 10;
constexpr size_t body_read_bytes = 64 << 10;

bool all_of(std::string_view text, std::string_view others, bool letters) noexcept {
  return std::all_of(text.begin(), text.end(), [others, letters](char c) {
    const bool digit = c >= '0' && c <= '9';
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return digit || (letters && letter) || others.find(c) != std::string_view::npos;
  });
}

// RFC 9110 7.2 and RFC 3986 3.2.2: a name or an address, and perhaps a port. Nobody behind us should have to
// wonder whom "a@b" or "a/b" means.
bool is_host(std::string_view text) noexcept {
  const bool is_ipv6 = text.starts_with('[');
  const auto end = is_ipv6 ? text.find(']') : text.find(':');
  if (is_ipv6 && end == std::string_view::npos)
    return false;
  const auto name = is_ipv6 ? text.substr(1, end - 1) : text.substr(0, end);
  if (is_ipv6 ? name.empty() || !all_of(name, "abcdefABCDEF:.", false)
              : !all_of(name, "-._~!$&'()*+,;=%", true))
    return false;
  text.remove_prefix(std::min(end == std::string_view::npos ? text.size() : end + is_ipv6, text.size()));
  if (text.empty())
    return true;
  const auto port = text.substr(1);
  return text.front() == ':' && port.size() <= 5 && all_of(port, "", false) &&
         (port.size() < 5 || port <= "65535");
}

/// @param from  what is before has been looked through
bool has_bare_line_feed(std::string_view text, size_t from) noexcept {
  for (auto at = text.find('\n', from); at != std::string_view::npos; at = text.find('\n', at + 1))
    if (at == 0 || text[at - 1] != '\r')
      return true;
  return false;
}

// Whether the request line ends in the name of a version, if only of one that is not spoken.
bool names_version(std::string_view text) noexcept {
  const auto line = text.substr(0, text.find("\r\n"));
  const auto last = line.substr(line.rfind(' ') + 1);
  return last.size() == 8 && last.starts_with("HTTP/") && std::isdigit(last[5]) != 0 &&
         last[6] == '.' && std::isdigit(last[7]) != 0 && std::count(line.begin(), line.end(), ' ') == 2;
}

} // namespace

struct request_reader::state {
  beast::flat_buffer buffer;
  std::optional<http::request_parser<http::string_body>> parser;
  bool head_seen = false;
  size_t looked_through = 0; // of what is left in the buffer, for line feeds
};

request_reader::request_reader(const gateway_limits& limits, bool any_target)
    : limits_(limits), any_target_(any_target), state_(std::make_unique<state>()) {}

request_reader::~request_reader() = default;

std::pair<char*, size_t> request_reader::prepare() {
  // An idle connection holds no room for bodies.
  auto room = state_->buffer.prepare(state_->head_seen ? body_read_bytes : read_bytes);
  return {static_cast<char*>(room.data()), room.size()};
}

void request_reader::commit(size_t bytes) { state_->buffer.commit(bytes); }

bool request_reader::has_begun() const noexcept {
  return state_->parser || state_->buffer.size() > 0;
}

std::string_view request_reader::leftover() const noexcept {
  const auto left = state_->buffer.data();
  return {static_cast<const char*>(left.data()), left.size()};
}

void request_reader::drop_input() { state_->buffer.clear(); }

request_reader::outcome request_reader::parse() {
  auto& s = *state_;
  // RFC 9112 2.2: empty lines in front of a request are passed over; old clients send one behind a body.
  while (!s.parser && leftover().starts_with("\r\n"))
    s.buffer.consume(2);
  if ((s.buffer.size() == 0 || (!s.parser && leftover() == "\r")) &&
      !(s.parser && s.parser->is_done()))
    return outcome::need_more;
  if (!s.parser) {
    s.parser.emplace();
    s.parser->header_limit(static_cast<uint32_t>(limits_.head_bytes));
    s.parser->body_limit(limits_.body_bytes);
    s.parser->eager(false); // first the head alone: what comes behind a body must not get among its fields
    s.head_seen = false;
    s.looked_through = 0;
  }
  error_code ec;
  while (s.buffer.size() > 0 && !s.parser->is_done()) {
    const auto used = s.parser->put(s.buffer.data(), ec);
    s.buffer.consume(used);
    if (used > 0)
      s.looked_through = 0;
    if (s.parser->is_header_done() && !s.head_seen) {
      s.head_seen = true;
      s.parser->eager(true);
      if (on_head() == outcome::failed)
        return outcome::failed;
      if (ec == http::error::need_more)
        ec = {};
      return ec ? refuse(&ec) : outcome::head;
    }
    if (ec == http::error::need_more)
      break;
    if (ec)
      return refuse(&ec);
    if (used == 0)
      break;
  }
  if (s.parser->is_done())
    return outcome::done;
  if (!s.head_seen && s.buffer.size() > limits_.head_bytes) {
    ec = http::error::header_limit;
    return refuse(&ec);
  }
  // What is left of a body in chunks is the line of the next one, which would never come to its end.
  if (s.head_seen && s.parser->chunked()) {
    const auto line = leftover();
    if (has_bare_line_feed(line, s.looked_through))
      return fail(text_response(400, "malformed request: a line of a chunk ends in LF, not CRLF"));
    s.looked_through = line.size();
    if (line.size() > limits_.head_bytes) {
      hub::count(hub::counter::limit_head_bytes);
      return fail(text_response(431, "the line of a chunk, or the fields behind the last, exceed " +
                                         std::to_string(limits_.head_bytes) + " bytes"));
    }
  }
  return outcome::need_more;
}

request_reader::outcome request_reader::on_head() {
  const auto& head = state_->parser->get();
  request_ = std::make_shared<http_request>();
  http_1_0_ = head.version() < 11;
  keep_alive_ = head.keep_alive();
  request_->received = std::chrono::steady_clock::now();
  request_->method = head.method_string();
  request_->target = head.target();
  request_->host = head[http::field::host];
  size_t fields = 0;
  for (auto i = head.begin(); i != head.end(); ++i)
    ++fields;
  if (fields > limits_.header_count) {
    hub::count(hub::counter::limit_header_count);
    return fail(text_response(431, "more than " + std::to_string(limits_.header_count) +
                                       " header fields"));
  }
  request_->headers.reserve(fields);
  for (const auto& field : head)
    if (!http_1_0_ || field.name() != http::field::upgrade) // RFC 9110 7.8: a server ignores it in 1.0
      request_->headers.emplace_back(field.name_string(), field.value());
  if (head.version() != 11 && (any_target_ || head.version() != 10))
    return fail(text_response(505, "HTTP/1.1 or HTTP/1.0 is spoken here"));
  const auto hosts = head.count(http::field::host);
  if (!any_target_ && (hosts > 1 || (!http_1_0_ && hosts == 0)))
    return fail(text_response(400, "a request has one Host header"));
  if (!any_target_ && !is_host(request_->host))
    return fail(text_response(400, "the Host header is no host, or host:port"));
  // RFC 9112 6.1: a coding that is not understood leaves the end of the body unknown.
  if (head.count(http::field::transfer_encoding) > 0) {
    if (!beast::iequals(head[http::field::transfer_encoding], "chunked"))
      return fail(text_response(501, "Transfer-Encoding \"" +
                                         std::string(head[http::field::transfer_encoding]) +
                                         "\" is not understood, only \"chunked\""));
    if (http_1_0_)
      return fail(text_response(400, "HTTP/1.0 has no Transfer-Encoding"));
  }
  const auto expect = head[http::field::expect];
  // RFC 9110 10.1.1: 1.0 clients do not know what they say with it.
  if (!expect.empty() && !http_1_0_ && !beast::iequals(expect, "100-continue"))
    return fail(text_response(417, "only 100-continue can be expected"));
  expects_continue_ = !expect.empty() && !http_1_0_ && !state_->parser->is_done();
  if (!split_target()) {
    if (!any_target_)
      return fail(text_response(400, "the request target is not a path, or has a broken % escape"));
    request_->raw_path = request_->path = "/";
  }
  return outcome::head;
}

bool request_reader::split_target() {
  std::string_view target = request_->target;
  for (std::string_view scheme : {"http://", "https://"}) // RFC 9112 3.2.2: absolute form
    if (target.size() > scheme.size() &&
        beast::iequals(target.substr(0, scheme.size()), scheme)) {
      const auto slash = target.find_first_of("/?", scheme.size());
      const auto authority = target.substr(scheme.size(), slash - scheme.size());
      if (authority.empty() || !is_host(authority))
        return false;
      request_->host = authority; // it counts instead of Host
      target = slash == std::string_view::npos ? "/" : target.substr(slash);
      if (target.starts_with('?'))
        request_->query = target.substr(1), target = "/";
      break;
    }
  if (!target.starts_with('/') && !(target == "*" && request_->method == "OPTIONS"))
    return false;
  const auto mark = target.find('?');
  if (mark != std::string_view::npos)
    request_->query = target.substr(mark + 1);
  request_->raw_path = target.substr(0, mark);
  return percent_decode(request_->raw_path, request_->path);
}

request_reader::outcome request_reader::refuse(const void* error) {
  const auto& ec = *static_cast<const error_code*>(error);
  if (ec == http::error::header_limit || ec == http::error::buffer_overflow) {
    hub::count(hub::counter::limit_head_bytes);
    return fail(text_response(431, "request head exceeds " + std::to_string(limits_.head_bytes) +
                                       " bytes"));
  }
  if (ec == http::error::body_limit) {
    hub::count(hub::counter::limit_body_bytes);
    return fail(text_response(413, "request body exceeds " + std::to_string(limits_.body_bytes) +
                                       " bytes"));
  }
  if (ec == http::error::bad_version && (leftover().empty() || names_version(leftover())))
    return fail(text_response(505, "HTTP/1.1 or HTTP/1.0 is spoken here"));
  return fail(text_response(400, "malformed request: " + ec.message()));
}

request_reader::outcome request_reader::fail(http_response response) {
  failure_ = std::move(response);
  return outcome::failed;
}

std::shared_ptr<http_request> request_reader::take() {
  request_->body = std::move(state_->parser->get().body());
  end_body();
  return take_head();
}

std::shared_ptr<http_request> request_reader::take_head() { return std::exchange(request_, nullptr); }

size_t request_reader::body_bytes() const noexcept {
  return state_->parser ? state_->parser->get().body().size() : 0;
}

// Its buffer goes along: the parser has reserved the announced length in it.
std::string request_reader::take_piece() {
  return state_->parser ? std::exchange(state_->parser->get().body(), {}) : std::string();
}

void request_reader::end_body() {
  state_->parser.reset();
  state_->head_seen = false;
  if (state_->buffer.size() == 0 && state_->buffer.capacity() > body_read_bytes)
    state_->buffer.shrink_to_fit();
}

} // namespace natterjack::relay
