#include "test_state.hpp"

#include "tests/catch.hpp"

using namespace natterjack;
using natterjack::tests::test_state;

namespace {

relay::http_request example_request() {
  relay::http_request request;
  request.method = "POST";
  request.target = "/shop/caf%C3%A9?q=a+b&tag=x&tag=y%2Cz&empty=&bare&%71=second&bad=%zz%4";
  request.path = "/shop/caf\xC3\xA9";
  request.query = "q=a+b&tag=x&tag=y%2Cz&empty=&bare&%71=second&bad=%zz%4";
  request.host = "shop.example:8080";
  request.remote_addr = "127.0.0.1:50000";
  request.headers = {{"Content-Type", "application/json; charset=utf-8"},
                     {"X-Many", "one"},
                     {"x-many", "two"},
                     {"Accept", "text/html, application/*;q=0.5, image/png;q=0, */*;q=0"}};
  request.params = {{"name", "caf\xC3\xA9"}, {"id", "7"}};
  request.body = R"({"count": 3})";
  return request;
}

struct http_fixture {
  http_fixture() : exchange(lua.serve(example_request())) {}
  std::string request(const std::string& expression) {
    return lua.run("local req = http.request() return " + expression);
  }
  // The error a response method returns, or "nil".
  std::string response(const std::string& call) {
    return lua.run("local res = http.response() return (res:" + call + ")");
  }
  std::string header(const char* name) { return std::string(exchange.response.header(name)); }

  test_state lua;
  runtime::lua::http_exchange& exchange;
};

} // namespace

SCENARIO_METHOD(http_fixture, "a function reads the request", "[http]") {
  CHECK(request("req:method() == http.METHOD.POST") == "true");
  CHECK(request("req:path()") == "/shop/caf\xC3\xA9");
  CHECK(request("req:host()") == "shop.example:8080");
  CHECK(request("req:remote_addr()") == "127.0.0.1:50000");
  CHECK(request("req:body()") == R"({"count": 3})");
  CHECK(request("req:body_json().count") == "3");
  CHECK(request("req:has_body()") == "true");
  CHECK(request("req:content_length()") == "12");
  GIVEN("query parameters") {
    CHECK(request("req:query('q')") == "a b");
    CHECK(request("req:query('tag')") == "x");
    CHECK(request("req:query('empty')") == "");
    CHECK(request("req:query('bare')") == "");
    CHECK(request("req:query('bad')") == "%zz%4");
    CHECK(request("req:query('none')") == "nil");
    CHECK(request("req:query_params().tag") == "x,y,z");
    CHECK(request("req:query_params().q") == "a b,second");
    CHECK(request("next(req:query_params()) ~= nil") == "true");
  }
  GIVEN("path parameters") {
    CHECK(request("req:param('name')") == "caf\xC3\xA9");
    CHECK(request("req:param('none')") == "nil");
    CHECK(request("req:params().id") == "7");
  }
  GIVEN("headers in any case") {
    CHECK(request("req:header('x-MANY')") == "one, two");
    CHECK(request("req:header('X-None')") == "nil");
    CHECK(request("req:content_type()") == "application/json; charset=utf-8");
    CHECK(request("req:is_content_type('application/JSON')") == "true");
    CHECK(request("req:is_content_type('text/plain')") == "false");
  }
  GIVEN("an Accept header with ranges and weights") {
    CHECK(request("req:accepts('text/html')") == "true");
    CHECK(request("req:accepts('application/json')") == "true");
    CHECK(request("req:accepts('image/png')") == "false");
    CHECK(request("req:accepts('text/plain')") == "false");
  }
  GIVEN("a body read in parts") {
    CHECK(lua.run("local s = http.request():stream() local t = {} "
                  "while true do local part = s:read(5) if not part then break end "
                  "t[#t + 1] = part end return table.concat(t, '|')") == R"({"cou|nt": |3})");
    CHECK(lua.run("local s = http.request():stream() s:close() return s:read()") == "nil");
  }
}

SCENARIO_METHOD(http_fixture, "what a request does not have is an error value", "[http]") {
  CHECK(lua.run("local _, e = http.request({max_body = 5}):body() return e:kind() .. ' ' .. e") ==
        "Invalid the body has 12 bytes, max_body is 5");
  CHECK(
      lua.run("return http.request({max_body = -1})").find("max_body must be a positive number") !=
      std::string::npos);
  auto broken = example_request();
  broken.body = "{";
  lua.serve(broken);
  CHECK(lua.run("local _, e = http.request():body_json() return e:kind() .. ' ' .. e") ==
        "Invalid the body is not JSON: unexpected end of text at byte 2, expected a key in double "
        "quotes");
  CHECK(lua.run("local f, e = http.request():parse_multipart() return e:kind()") == "Invalid");
  lua.serve({});
  CHECK(lua.run("local _, e = http.request():body_json() return e") == "the request has no body");
  CHECK(request("req:accepts('any/thing')") == "true");
  CHECK(request("req:content_type()") == "nil");
}

SCENARIO_METHOD(http_fixture, "a function writes the response in any order", "[http]") {
  GIVEN("JSON behind a status") {
    CHECK(response("set_status(http.STATUS.CREATED)") == "nil");
    CHECK(response("write_json({id = 7})") == "nil");
    CHECK(exchange.response.status == 201);
    CHECK(exchange.response.body == R"({"id":7})");
    CHECK(header("Content-Type") == "application/json");
    CHECK(exchange.touched);
  }
  GIVEN("text in parts, then a status and headers") {
    CHECK(response("write('a')") == "nil");
    CHECK(response("write(1)") == "nil");
    CHECK(response("flush()") == "nil");
    CHECK(response("set_content_type(http.CONTENT.TEXT)") == "nil");
    CHECK(response("set_header('X-Count', 2)") == "nil");
    CHECK(response("set_header('x-count', '3')") == "nil");
    CHECK(response("set_status(202)") == "nil");
    CHECK(exchange.response.body == "a1");
    CHECK(exchange.response.status == 202);
    CHECK(header("X-Count") == "3");
    CHECK(exchange.response.headers.size() == 2);
  }
  GIVEN("events") {
    CHECK(response("set_transfer(http.TRANSFER.SSE)") == "nil");
    CHECK(response("write_event({name = 'progress', data = {percent = 50}})") == "nil");
    CHECK(response("write_event({name = 'done', data = 'text'})") == "nil");
    CHECK(header("Content-Type") == "text/event-stream");
    CHECK(exchange.response.body ==
          "event: progress\ndata: {\"percent\":50}\n\nevent: done\ndata: \"text\"\n\n");
  }
  GIVEN("a header alone") {
    CHECK(response(R"(set_header('X-WS-Relay', json.encode({target_pid = '{n@h|0x00001}'})))") ==
          "nil");
    CHECK(header("x-ws-relay") == R"({"target_pid":"{n@h|0x00001}"})");
    CHECK(exchange.touched);
  }
  GIVEN("nothing") {
    CHECK_FALSE(exchange.touched);
  }
}

SCENARIO_METHOD(http_fixture, "a wrong response is an error value and changes nothing", "[http]") {
  CHECK(response("set_status(99)") == "set_status takes a number from 200 to 599, got 99");
  CHECK(lua.take_log() == "error set_status takes a number from 200 to 599, got 99\n");
  CHECK(response("set_status('x')") == "set_status takes a number from 200 to 599, got x");
  CHECK(response("set_header('X A', '1')") == "'X A' is no header name");
  CHECK(response("set_header('', '1')") == "'' is no header name");
  CHECK(response(R"(set_header('X-A', '1\r\nX-B: 2'))") ==
        "the value of header X-A has a line break or another control byte");
  CHECK(response("set_header('X-A', '1\\0')").find("control byte") != std::string::npos);
  CHECK(response("set_header('X-A')") ==
        "set_header takes a name and a value, both texts; got string and no value");
  CHECK(response("set_header('content-LENGTH', '5')") ==
        "header content-LENGTH is set by the server alone");
  CHECK(response("set_content_type('a\\nb')").find("takes a media type") != std::string::npos);
  CHECK(response("set_transfer('odd')").find("http.TRANSFER.CHUNKED") != std::string::npos);
  CHECK(response("write({})") == "write takes a text, got table; write_json takes any value");
  CHECK(response("write_json({1, a = 2})") ==
        "write_json: cannot encode a table with mixed keys at $");
  CHECK(response("write_event({name = 'x'})").find("with the fields name (a text) and data") !=
        std::string::npos);
  CHECK(response("write_event({name = 'x\\ny', data = 1})") ==
        "the name of an event is one line of text");
  CHECK(lua.run("local e = http.response():set_status(1) return e:kind()") == "Invalid");
  CHECK_FALSE(exchange.touched);
  CHECK(exchange.response.headers.empty());
  CHECK(exchange.response.body.empty());
}

SCENARIO_METHOD(http_fixture, "a response has a bound", "[http]") {
  CHECK(lua.run("local res, part = http.response(), ('x'):rep(1 << 20) "
                "for i = 1, 64 do assert(res:write(part) == nil) end return res:write('x')") ==
        "the response would exceed 67108864 bytes");
  CHECK(exchange.response.body.size() == 64u << 20);
}

SCENARIO_METHOD(http_fixture, "handles of http are used right or say how", "[http]") {
  CHECK(lua.run("local req = http.request() return req.method()") ==
        "error: chunk:1: method is a method: write req:method(...) with a colon");
  CHECK(lua.run("local res = http.response() return res.set_status(200)") ==
        "error: chunk:1: set_status is a method: write res:set_status(...) with a colon");
  CHECK(lua.run("return http.request().set_status") == "nil");
  GIVEN("handles kept from an earlier request") {
    lua.run("old_req, old_res, old_stream = http.request(), http.response(), "
            "http.request():stream()");
    lua.serve(example_request());
    CHECK(lua.run("local _, e = old_req:path() return e") ==
          "this request has been answered already");
    CHECK(lua.run("return old_res:write('x')") == "this request has been answered already");
    CHECK(lua.run("return select(2, old_stream:read())") ==
          "this request has been answered already");
    CHECK(exchange.response.body.empty());
  }
  GIVEN("no request") {
    lua.serve({});
    exchange.request = nullptr;
    CHECK(lua.run("local r, e = http.request() return tostring(r) .. e:kind()") == "nilInternal");
    CHECK(lua.run("local r, e = http.response() return tostring(r) .. e:kind()") == "nilInternal");
  }
}
