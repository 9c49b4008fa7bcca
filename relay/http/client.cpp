#include "relay/http/client.hpp"

#include "relay/client_stream.hpp"
#include "relay/io_pool.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

namespace natterjack::relay {

namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;

constexpr int redirects_max = 10;

template <class Stream>
asio::awaitable<client_answer> exchange_on(Stream& stream, const client_request& request,
                                           const url_parts& where) {
  http::request<http::string_body> out;
  out.method_string(request.method);
  out.target(where.target);
  out.version(11);
  out.set(http::field::host, where.authority);
  out.set(http::field::user_agent, "natterjack");
  out.set(http::field::connection, "close");
  for (const auto& [name, value] : request.headers)
    out.set(name, value);
  out.body() = request.body;
  if (!request.body.empty() || request.method == "POST" || request.method == "PUT" ||
      request.method == "PATCH")
    out.prepare_payload();
  co_await http::async_write(stream, out, asio::use_awaitable);
  beast::flat_buffer buffer;
  std::optional<http::response_parser<http::string_body>> parser;
  bool is_interim = true;
  while (is_interim) { // RFC 9110 15.2: any number of 1xx before the answer; 101 is one
    parser.emplace();
    parser->body_limit(request.body_max);
    if (request.method == "HEAD")
      parser->skip(true);
    co_await http::async_read(stream, buffer, *parser, asio::use_awaitable);
    const auto status = parser->get().result_int();
    is_interim = status < 200 && status != 101;
  }
  auto& in = parser->get();
  client_answer answer;
  answer.status = in.result_int();
  for (const auto& field : in)
    answer.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  answer.body = std::move(in.body());
  co_return answer;
}

asio::awaitable<client_answer> fetch_once(const client_request& request, const url_parts& where,
                                          beast::tcp_stream::executor_type executor,
                                          std::chrono::steady_clock::time_point deadline) {
  if (where.is_secure) {
    auto context = make_client_context(request.tls);
    auto stream = co_await connect_tls(executor, context, where, request.tls, deadline);
    co_return co_await exchange_on(stream, request, where);
  }
  auto stream = co_await connect_plain(executor, where, deadline);
  co_return co_await exchange_on(stream, request, where);
}

std::string_view find_header(const header_list& headers, std::string_view name) {
  for (const auto& [key, value] : headers)
    if (beast::iequals(key, name))
      return value;
  return {};
}

// RFC 3986 3.1. A colon further behind is one of the path or of the query.
bool begins_with_scheme(std::string_view url) {
  const auto colon = url.find_first_of(":/?#");
  if (colon == 0 || colon == url.npos || url[colon] != ':' || std::isalpha(static_cast<unsigned char>(url[0])) == 0)
    return false;
  return std::all_of(url.begin(), url.begin() + static_cast<std::ptrdiff_t>(colon), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '+' || c == '-' || c == '.';
  });
}

// Whether what a client says to `from` alone may be said to `to`: the same server, or the one it moves to
// on TLS.
bool shares_credentials(const url_parts& from, const url_parts& to) {
  if (!beast::iequals(from.host, to.host))
    return false;
  if (from.is_secure == to.is_secure)
    return from.port == to.port;
  return to.is_secure && from.port == "80" && to.port == "443";
}

// The target of a redirect, absolute. Empty: none to follow.
std::string redirect_of(const client_request& request, const client_answer& answer,
                        const url_parts& from) {
  const bool moves = answer.status == 301 || answer.status == 302 || answer.status == 303 ||
                     answer.status == 307 || answer.status == 308;
  const auto location = find_header(answer.headers, "Location"); // RFC 3986 4.2: a URL, or part of one
  if (!moves || location.empty() || (request.method != "GET" && request.method != "HEAD"))
    return {};
  if (begins_with_scheme(location))
    return std::string(location);
  const std::string scheme = from.is_secure ? "https:" : "http:";
  if (location.starts_with("//"))
    return scheme + std::string(location);
  const auto base = scheme + "//" + from.authority;
  if (location.starts_with('/'))
    return base + std::string(location);
  if (location.starts_with('?'))
    return base + from.target.substr(0, from.target.find('?')) + std::string(location);
  return base + from.target.substr(0, from.target.rfind('/', from.target.find('?')) + 1) +
         std::string(location);
}

asio::awaitable<client_answer> fetch_all(client_request request,
                                         beast::tcp_stream::executor_type executor) {
  const auto deadline = std::chrono::steady_clock::now() +
                        std::chrono::duration_cast<std::chrono::steady_clock::duration>(request.timeout);
  client_answer answer;
  if (answer.error = find_bad_header(request.headers); !answer.error.empty()) {
    answer.invalid = true;
    co_return answer;
  }
  for (int i = 0; i <= redirects_max; ++i) {
    std::string why;
    const auto where = parse_url(request.url, "http", "https", why);
    if (!where) {
      answer = {};
      answer.error = why;
      answer.invalid = true;
      co_return answer;
    }
    answer = co_await fetch_once(request, *where, executor, deadline);
    answer.url = request.url;
    auto next = redirect_of(request, answer, *where);
    if (next.empty())
      co_return answer;
    const auto other = parse_url(next, "http", "https", why);
    if (!other || !shares_credentials(*where, *other))
      std::erase_if(request.headers, [](const auto& one) {
        return beast::iequals(one.first, "Authorization") || beast::iequals(one.first, "Cookie") ||
               beast::iequals(one.first, "Host");
      });
    request.url = std::move(next);
  }
  answer = {};
  answer.error = "more than 10 redirects";
  co_return answer;
}

} // namespace

std::optional<url_parts> parse_url(std::string_view url, std::string_view plain,
                                   std::string_view secure, std::string& why) {
  url_parts made;
  const auto mark = url.find("://");
  const auto scheme = url.substr(0, mark);
  if (mark == url.npos || (scheme != plain && scheme != secure)) {
    why = "the URL must begin with " + std::string(plain) + ":// or " + std::string(secure) + "://";
    return std::nullopt;
  }
  made.is_secure = scheme == secure;
  url.remove_prefix(scheme.size() + 3);
  auto end = std::min(url.find_first_of("/?#"), url.size());
  auto authority = url.substr(0, end);
  auto target = url.substr(end, url.find('#') == url.npos ? url.npos : url.find('#') - end);
  if (const auto at = authority.rfind('@'); at != authority.npos)
    authority.remove_prefix(at + 1);
  made.authority = authority;
  made.target = target.empty() || target.front() != '/' ? "/" + std::string(target)
                                                        : std::string(target);
  made.port = made.is_secure ? "443" : "80";
  auto host = authority;
  if (host.starts_with('[')) {
    const auto close = host.find(']');
    if (close == host.npos) {
      why = "the URL has a [ without ]";
      return std::nullopt;
    }
    if (host.substr(close + 1).starts_with(':'))
      made.port = host.substr(close + 2);
    host = host.substr(1, close - 1);
  } else if (const auto colon = host.find(':'); colon != host.npos) {
    made.port = host.substr(colon + 1);
    host = host.substr(0, colon);
  }
  made.host = host;
  unsigned port = 0;
  const auto [last, problem] =
      std::from_chars(made.port.data(), made.port.data() + made.port.size(), port);
  if (made.host.empty() || problem != std::errc{} || last != made.port.data() + made.port.size() ||
      port == 0 || port > 65535) {
    why = "the URL has no host, or a bad port";
    return std::nullopt;
  }
  // What would end the request line or a header is no part of a URL.
  const auto bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f; };
  if (std::any_of(made.target.begin(), made.target.end(), bad) ||
      std::any_of(made.authority.begin(), made.authority.end(), bad)) {
    why = "the URL has blanks or control characters";
    return std::nullopt;
  }
  return made;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

std::string find_bad_header(const header_list& headers) {
  for (const auto& [name, value] : headers) {
    if (!is_token(name))
      return "the name of a header is no token: it is empty, or has blanks or separators";
    if (value.find_first_of(std::string_view("\r\n\0", 3)) != value.npos)
      return "the header " + name + " has a line break or a NUL in its value";
  }
  return {};
}

void http_client::fetch(client_request request, std::function<void(client_answer)> done) {
  auto& thread = threads_.next();
  asio::co_spawn(thread.context(), fetch_all(std::move(request), thread.context().get_executor()),
                 [done = std::move(done)](std::exception_ptr problem, client_answer answer) {
                   if (problem)
                     answer.error = explain_client_error(problem);
                   done(std::move(answer));
                 });
}

} // namespace natterjack::relay
