#include "relay/http/authority.hpp"
#include "relay/http/compress.hpp"
#include "relay/http/http_metrics.hpp"
#include "relay/http/rate_limit.hpp"
#include "relay/http/real_ip.hpp"
#include "relay/http/response_head.hpp"
#include "relay/http/static_files.hpp"
#include "tests/catch.hpp"

#include <stdexcept>

using namespace natterjack::relay;
using namespace std::chrono_literals;

namespace {

http_request asked(header_list headers = {}) {
  http_request request;
  request.method = "GET";
  request.remote_addr = "10.0.0.1:1234";
  request.received = std::chrono::steady_clock::now();
  request.headers = std::move(headers);
  return request;
}

} // namespace

SCENARIO("subnets hold their addresses and no others", "[relay][real_ip]") {
  auto holds = [](const char* list, const char* address) {
    return subnet_list(list).contains(*address_in(address));
  };
  CHECK(holds("10.0.0.0/8", "10.255.0.1"));
  CHECK_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  CHECK(holds("172.16.0.0/12", "172.31.255.255"));
  CHECK_FALSE(holds("172.16.0.0/12", "172.32.0.0"));
  CHECK(holds("1.2.3.4", "1.2.3.4:80"));
  CHECK(holds("fc00::/7", "[fd00::1]:80"));
  CHECK_FALSE(holds("fc00::/7", "2001:db8::1"));
  CHECK(holds("10.0.0.0/8", "::ffff:10.0.0.1"));
  CHECK(holds("0.0.0.0/0", "9.9.9.9"));
  CHECK_THROWS_AS(subnet_list("10.0.0.0/33"), std::invalid_argument);
  CHECK_THROWS_AS(subnet_list("ten"), std::invalid_argument);
}

SCENARIO("a bucket is refilled with time, and forgotten clients start anew", "[relay][rate_limit]") {
  rate_limit_options options;
  options.requests = 10;
  options.window = 1s;
  options.burst = 2;
  options.entries_max = 2;
  auto limit = make_rate_limit(options);
  auto request = asked();
  const auto ask = [&limit, &request](std::chrono::milliseconds later, const char* from = "10.0.0.1:1") {
    request.received += later;
    request.remote_addr = from;
    return !limit->before(request).has_value();
  };
  CHECK(ask(0ms));
  CHECK(ask(0ms));
  CHECK_FALSE(ask(0ms));
  CHECK_FALSE(ask(90ms));
  CHECK(ask(20ms));
  CHECK(ask(0ms, "10.0.0.2:9"));
  // Beyond entries_max: one bucket for all further ones.
  CHECK(ask(0ms, "10.0.0.3:9"));
  CHECK(ask(0ms, "10.0.0.4:9"));
  CHECK_FALSE(ask(0ms, "10.0.0.5:9"));
}

SCENARIO("gzip is taken by those who say so", "[relay][compress]") {
  for (const char* yes : {"gzip", "br, gzip", "GZIP;q=0.1", "*", "x-gzip", "identity;q=0, gzip ; q=1.0"})
    CHECK(takes_gzip(yes));
  for (const char* no : {"", "br", "gzip;q=0", "gzip;q=0.000", "*, gzip;q=0", "identity"})
    CHECK_FALSE(takes_gzip(no));
  CHECK(gzip("abc", 6).empty());
  const auto packed = gzip(std::string(10'000, 'a'), 6);
  CHECK(packed.size() < 200);
  CHECK(packed.substr(0, 2) == "\x1f\x8b");
}

SCENARIO("answers of any origin are packed up to a size", "[relay][compress]") {
  const auto packing = make_compress({6, 1024, 100'000});
  http_request request;
  request.headers = {{"Accept-Encoding", "gzip"}};
  const auto coding_of = [&packing, &request](size_t bytes) {
    auto response = text_response(200, std::string(bytes, 'a'));
    packing->after(request, response);
    return std::string(response.header("Content-Encoding"));
  };
  CHECK(coding_of(500).empty());
  CHECK(coding_of(50'000) == "gzip");
  CHECK(coding_of(200'000).empty());
}

SCENARIO("a long key is a key like others", "[relay][rate_limit]") {
  rate_limit_options options;
  options.requests = options.burst = 1;
  options.key = rate_limit_options::key_of::header;
  options.key_name = "X-Key";
  const auto limit = make_rate_limit(options);
  const auto passes = [&limit](const std::string& key) {
    http_request request;
    request.received = std::chrono::steady_clock::now();
    request.headers = {{"X-Key", key}};
    return !limit->before(request);
  };
  const std::string common(10'000, 'k');
  CHECK(passes(common + "1"));
  CHECK_FALSE(passes(common + "1"));
  CHECK(passes(common + "2"));
  CHECK(passes("2"));
}

SCENARIO("a token is found where it may stand", "[relay][authority]") {
  const token_places places;
  CHECK(token_of(asked({{"authorization", "bearer t1"}}), places) == "t1");
  CHECK(token_of(asked({{"Authorization", "Basic t1"}}), places).empty());
  CHECK(token_of(asked({{"Cookie", "a=b; x-auth-token=\"t2\"; c"}}), places) == "t2");
  auto request = asked();
  request.query = "a=1&x-auth-token=t%203";
  CHECK(token_of(request, places) == "t 3");
}

SCENARIO("a firewall asks who, then whether", "[relay][authority]") {
  std::string about;
  auto wall = make_firewall(
      [&about](const request_actor& actor, const std::string& action, const std::string& resource) {
        about = actor.id + " " + action + " " + resource;
        return actor.id == "ada";
      },
      "access", "");
  auto request = asked();
  request.route_id = "app:x";
  CHECK(wall->before(request)->status == 401);
  request.actor = std::make_shared<request_actor>(request_actor{"bob", "{}", true, {}});
  CHECK(wall->before(request)->status == 403);
  CHECK(about == "bob access app:x");
  request.actor = std::make_shared<request_actor>(request_actor{"ada", "{}", true, {}});
  CHECK_FALSE(wall->before(request));
}

SCENARIO("requests are counted by method, route and status", "[relay][http_metrics]") {
  auto metrics = make_http_metrics();
  auto request = asked();
  request.route = "/a/{id}";
  metrics->before(request);
  http_response response;
  response.status = 404;
  metrics->after(request, response);
  std::string text;
  append_http_metrics(text);
  CHECK(text.find("wippy_http_requests_total{method=\"GET\",route=\"/a/{id}\",status=\"404\"} 1\n") !=
        std::string::npos);
  CHECK(text.find("wippy_http_requests_in_flight 0\n") != std::string::npos);
  CHECK(text.find("_bucket{method=\"GET\",route=\"/a/{id}\",le=\"+Inf\"} 1\n") != std::string::npos);
}

SCENARIO("times of HTTP are read in their three forms", "[relay][response_head]") {
  constexpr std::time_t then = 784111777; // RFC 9110 5.6.7
  CHECK(format_http_time(then) == "Sun, 06 Nov 1994 08:49:37 GMT");
  for (const char* text : {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                           "Sun Nov  6 08:49:37 1994"})
    CHECK(parse_http_time(text) == then);
  CHECK_FALSE(parse_http_time("yesterday"));
}

SCENARIO("ranges of files", "[relay][static_files]") {
  using kind = byte_range::kind;
  const auto is = [](const char* text, size_t size, kind what, size_t first = 0, size_t bytes = 0) {
    const auto range = read_range(text, size);
    return range.what == what && range.first == first && range.size == bytes;
  };
  CHECK(is("bytes=0-9", 100, kind::one, 0, 10));
  CHECK(is("bytes=90-200", 100, kind::one, 90, 10));
  CHECK(is("bytes=-1", 100, kind::one, 99, 1));
  CHECK(is("bytes=99-", 100, kind::one, 99, 1));
  CHECK(is("bytes=100-", 100, kind::unsatisfiable));
  CHECK(is("bytes=-0", 100, kind::unsatisfiable));
  CHECK(is("bytes=0-", 0, kind::unsatisfiable));
  CHECK(is("BYTES=0-9", 100, kind::one, 0, 10));
  CHECK(is("bytes=90-99999999999999999999", 100, kind::one, 90, 10));
  CHECK(is("bytes=-99999999999999999999", 100, kind::one, 0, 100));
  CHECK(is("bytes=99999999999999999999-", 100, kind::unsatisfiable));
  for (const char* nothing : {"", "bytes", "bytes=a-b", "bytes=2-1", "bytes=1-2,4-5", "bytes=--1"})
    CHECK(is(nothing, 100, kind::none));
}
