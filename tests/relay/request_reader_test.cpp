#include "relay/http/request_reader.hpp"
#include "tests/catch.hpp"

#include <cstring>

using namespace natterjack::relay;
using outcome = request_reader::outcome;

namespace {

// Feeds a text in steps of `step` bytes. @returns the first outcome that is not need_more or head
outcome feed(request_reader& reader, std::string_view text, size_t step = 1) {
  for (;;) {
    const auto now = reader.parse();
    if (now == outcome::head)
      continue;
    if (now != outcome::need_more || text.empty())
      return now;
    const auto [to, room] = reader.prepare();
    const auto n = std::min({step, room, text.size()});
    std::memcpy(to, text.data(), n);
    reader.commit(n);
    text.remove_prefix(n);
  }
}

unsigned status_of(std::string_view text, gateway_limits limits = {}) {
  request_reader reader(limits);
  return feed(reader, text, 4096) == outcome::failed ? reader.failure().status : 0;
}

} // namespace

SCENARIO("requests are read one after another, however their bytes come", "[relay][request_reader]") {
  const gateway_limits limits;
  const std::string text = "POST /a%20b?x=1 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
                           "GET /c HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
  for (size_t step : {size_t{1}, size_t{7}, text.size()}) {
    request_reader reader(limits);
    const bool at_once = step == text.size();
    REQUIRE(feed(reader, at_once ? text : text.substr(0, text.find("GET")), step) == outcome::done);
    const auto first = reader.take();
    CHECK(first->method == "POST");
    CHECK(first->path == "/a b");
    CHECK(first->raw_path == "/a%20b");
    CHECK(first->query == "x=1");
    CHECK(first->body == "abc");
    REQUIRE(feed(reader, at_once ? "" : text.substr(text.find("GET")), step) == outcome::done);
    CHECK_FALSE(reader.keep_alive());
    CHECK(reader.take()->path == "/c");
    CHECK_FALSE(reader.has_begun());
  }
}

SCENARIO("fields behind a chunked body stay outside", "[relay][request_reader]") {
  const gateway_limits limits;
  request_reader reader(limits);
  REQUIRE(feed(reader, "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
                       "2\r\nab\r\n0\r\nX-Late: 1\r\n\r\n") == outcome::done);
  const auto request = reader.take();
  CHECK(request->body == "ab");
  CHECK_FALSE(request->has("X-Late"));
}

SCENARIO("bounds and rules of requests", "[relay][request_reader]") {
  gateway_limits limits;
  limits.body_bytes = 4;
  limits.head_bytes = 256;
  limits.header_count = 3;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\n";
  CHECK(status_of(head + "Content-Length: 4\r\n\r\nabcd", limits) == 0);
  CHECK(status_of(head + "Content-Length: 5\r\n\r\n", limits) == 413);
  CHECK(status_of(head + "Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n", limits) == 413);
  CHECK(status_of(head + "A: 1\r\nB: 2\r\n\r\n", limits) == 0);
  CHECK(status_of(head + "A: 1\r\nB: 2\r\nC: 3\r\n\r\n", limits) == 431);
  CHECK(status_of(head + "A: " + std::string(300, 'x'), limits) == 431);
  CHECK(status_of("GET / HTTP/1.1\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n") == 400);
  CHECK(status_of("GET / HTTP/1.0\r\n\r\n") == 0);
  CHECK(status_of("GET x HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of(head + "Transfer-Encoding: gzip\r\n\r\n") == 501);
  CHECK(status_of(head + "Expect: more\r\nContent-Length: 0\r\n\r\n") == 417);
  CHECK(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") == 400);
}

SCENARIO("lines of chunks and fields behind them have a bound", "[relay][request_reader]") {
  gateway_limits limits;
  limits.head_bytes = 8 << 10;
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  const std::string longer(20 << 10, 'a'), shorter(4 << 10, 'a');
  CHECK(status_of(head + "1;x=" + longer, limits) == 431);
  CHECK(status_of(head + "0\r\nX: " + longer, limits) == 431);
  CHECK(status_of(head + "1\r\na\r\n0\r\n" + longer, limits) == 431);
  CHECK(status_of(head + "1;x=" + shorter + "\r\na\r\n0\r\nX: " + shorter + "\r\n\r\n", limits) == 0);
  CHECK(status_of(head + "5000\r\n" + std::string(0x5000, 'b') + "\r\n0\r\n\r\n", limits) == 0);
  // A bare line feed is found wherever reads have divided what is there.
  request_reader reader(limits);
  CHECK(feed(reader, head + "1;x=" + shorter + "\n" + shorter, 1000) == outcome::failed);
  CHECK(reader.failure().status == 400);
}

SCENARIO("a body may be taken while it comes", "[relay][request_reader]") {
  const gateway_limits limits;
  const std::string head = "POST /a HTTP/1.1\r\nHost: h\r\n";
  for (const auto& text : {head + "Content-Length: 10\r\n\r\n0123456789",
                                 head + "Transfer-Encoding: chunked\r\n\r\n4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n"}) {
    request_reader reader(limits);
    std::shared_ptr<http_request> request;
    std::string body;
    auto now = outcome::need_more;
    for (size_t i = 0; i < text.size(); ++i) {
      const auto [to, room] = reader.prepare();
      REQUIRE(room > 0);
      *to = text[i];
      reader.commit(1);
      now = reader.parse();
      if (now == outcome::head) {
        request = reader.take_head();
        now = reader.parse();
      }
      CHECK(reader.body_bytes() <= 1);
      body += reader.take_piece();
    }
    REQUIRE(now == outcome::done);
    REQUIRE(request);
    CHECK(request->path == "/a");
    CHECK(request->body.empty());
    CHECK(body == "0123456789");
    reader.end_body();
    CHECK_FALSE(reader.has_begun());
    REQUIRE(feed(reader, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n") == outcome::done);
    CHECK(reader.take()->path == "/next");
  }
}

SCENARIO("a gateway of websockets alone takes any target and any host", "[relay][request_reader]") {
  const gateway_limits limits;
  for (std::string target : {"/%zz", "*", "x", "?a=b", "/%00"}) {
    CAPTURE(target);
    request_reader strict(limits);
    CHECK(feed(strict, "GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n", 4096) == outcome::failed);
    request_reader reader(limits, true);
    REQUIRE(feed(reader, "GET " + target + " HTTP/1.1\r\n\r\n", 4096) == outcome::done);
    const auto request = reader.take();
    CHECK(request->target == target);
    CHECK(request->path == "/");
  }
  request_reader reader(limits, true);
  CHECK(feed(reader, "GET / HTTP/1.0\r\nHost: h\r\n\r\n", 4096) == outcome::failed);
}

SCENARIO("empty lines in front of a request are passed over", "[relay][request_reader]") {
  const gateway_limits limits;
  for (size_t step : {size_t{1}, size_t{100}}) {
    request_reader reader(limits);
    REQUIRE(feed(reader, "\r\n\r\nGET /a HTTP/1.1\r\nHost: h\r\n\r\n", step) == outcome::done);
    CHECK(reader.take()->path == "/a");
    CHECK(feed(reader, "\r\n", step) == outcome::need_more);
  }
  CHECK(status_of("\rGET / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
}

SCENARIO("a host is a name or an address, and perhaps a port", "[relay][request_reader]") {
  auto status = [](const std::string& host) {
    return status_of("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  for (const char* host : {"h", "a-b.example", "h:80", "h:", "h:65535", "127.0.0.1:1", "[::1]", "[::1]:80",
                           "xn--bcher-kva.example", ""}) {
    CAPTURE(host);
    CHECK(status(host) == 0);
  }
  for (const char* host : {"a b", "a/b", "a@b", "a?b", "a#b", "http://a", "a:b", "a:65536", "a:123456", "[::1",
                           "[]", "[g::1]", "[::1]80", "::1", "a\\b", "a\"b", "<a>"}) {
    CAPTURE(host);
    CHECK(status(host) == 400);
  }
}

SCENARIO("the host of an absolute target counts instead of Host", "[relay][request_reader]") {
  const gateway_limits limits;
  request_reader reader(limits);
  REQUIRE(feed(reader, "GET http://other:80/a?b HTTP/1.1\r\nHost: h\r\n\r\n") == outcome::done);
  const auto request = reader.take();
  CHECK(request->host == "other:80");
  CHECK(request->path == "/a");
  CHECK(status_of("GET http:///a HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET http://u:p@other/ HTTP/1.1\r\nHost: h\r\n\r\n") == 400);
  CHECK(status_of("GET http://other/ HTTP/1.1\r\n\r\n") == 400); // RFC 9112 3.2: Host must be there
}

SCENARIO("a line that is no request line is not taken for another version", "[relay][request_reader]") {
  for (const char* line : {"GET / HTTP/2.0", "GET / HTTP/0.9", "GET / HTTP/1.2"}) {
    CAPTURE(line);
    CHECK(status_of(std::string(line) + "\r\nHost: h\r\n\r\n") == 505);
  }
  for (const char* line : {"GET / x HTTP/1.1", "GET /  HTTP/1.1", "GET / HTTP/11", "GET / http/1.1", "GET /",
                           "GET / HTTP/1.1 x", "GET / HTTP/1.1\nX: y"}) {
    CAPTURE(line);
    CHECK(status_of(std::string(line) + "\r\nHost: h\r\n\r\n") == 400);
  }
}

SCENARIO("lines of chunks end in CRLF", "[relay][request_reader]") {
  const std::string head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"4\nabcd\n0\n\n", "4;a\nabcd\r\n0\r\n\r\n", "4\r\nabcd\n0\r\n\r\n",
                           "4\r\nabcd\r\n0\n\n"}) {
    CAPTURE(body);
    CHECK(status_of(head + body) == 400);
  }
  const gateway_limits limits;
  request_reader reader(limits); // also one octet at a time
  CHECK(feed(reader, head + "4;a=b\r\na\ncd\r\n0\r\nA: b\r\n\r\n") == outcome::done);
}
