#include "relay/http/upgrade.hpp"
#include "tests/catch.hpp"

using namespace natterjack::relay;

namespace {

http_request good() {
  http_request request;
  request.method = "GET";
  request.host = "here";
  request.headers = {{"Host", "here"},
                     {"Connection", "keep-alive"},
                     {"connection", "Upgrade"},
                     {"Upgrade", "WebSocket"},
                     {"Sec-WebSocket-Version", "13"},
                     {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
  return request;
}

unsigned status(const http_request& request) {
  const auto refusal = refuse_upgrade(request, origin_rule{});
  return refusal ? refusal->status : 101;
}

} // namespace

SCENARIO("a handshake that keeps the rules is accepted", "[relay][upgrade]") {
  CHECK(status(good()) == 101);
}

SCENARIO("a handshake that breaks a rule is refused by name", "[relay][upgrade]") {
  auto plain = good();
  plain.headers.erase(plain.headers.begin() + 3);
  CHECK(status(plain) == 426);

  auto post = good();
  post.method = "POST";
  CHECK(status(post) == 405);

  auto old = good();
  old.headers[4].second = "8";
  CHECK(status(old) == 400);

  for (const char* key : {"", "short", "dGhlIHNhbXBsZSBub25jZQ=A", "dGhlIHNhbXBsZSBub25j*Q=="}) {
    auto broken = good();
    broken.headers[5].second = key;
    CHECK(status(broken) == 400);
  }
  auto twice = good();
  twice.headers.push_back(twice.headers[5]);
  CHECK(status(twice) == 400);

  auto body = good();
  body.headers.emplace_back("Content-Length", "5");
  CHECK(status(body) == 400);

  auto foreign = good();
  foreign.headers.emplace_back("Origin", "http://elsewhere");
  CHECK(status(foreign) == 403);
}
