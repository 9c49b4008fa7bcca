#include "test_state.hpp"

#include "runtime/lua/json/json_codec.hpp"

#include "tests/catch.hpp"

using namespace natterjack;
using namespace natterjack::runtime::lua;
using natterjack::tests::test_state;

namespace {

// What json.encode says of a Lua expression.
std::string encoded(const std::string& expression) {
  test_state lua;
  return lua.run("local s, err = json.encode(" + expression + ") return s or 'err: ' .. err");
}

// A JSON text there and back again.
std::string decoded(const std::string& document) {
  test_state lua;
  lua_pushlstring(lua.L, document.data(), document.size());
  lua_setglobal(lua.L, "document");
  return lua.run(R"(
    local function show(v)
      if type(v) ~= "table" then
        return math.type(v) and math.type(v) .. " " .. v or type(v) .. " " .. tostring(v)
      end
      local keys, out = {}, {}
      for k in pairs(v) do keys[#keys + 1] = k end
      table.sort(keys, function(a, b) return tostring(a) < tostring(b) end)
      for i, k in ipairs(keys) do out[i] = tostring(k) .. "=" .. show(v[k]) end
      return "{" .. table.concat(out, ", ") .. "}"
    end
    local v, err = json.decode(document)
    if err then return "err: " .. err end
    return show(v))");
}

} // namespace

SCENARIO("Lua values become JSON text", "[json]") {
  struct row {
    const char* value;
    const char* text;
  };
  const row rows[] = {
      {"nil", "null"},
      {"true", "true"},
      {"false", "false"},
      {"42", "42"},
      {"-9223372036854775807 - 1", "-9223372036854775808"},
      {"3.0", "3"},
      {"1e6", "1000000"},
      {"2^53", "9007199254740992"},
      {"1e21", "1e+21"},
      {"0.1", "0.1"},
      {"-1.5", "-1.5"},
      {"1/0", "null"},
      {"0/0", "null"},
      {"'text'", "\"text\""},
      {"''", "\"\""},
      {R"('a"b\\c/<>&')", R"("a\"b\\c/<>&")"},
      {R"('\n\t\r\b\f\0\x1f\x7f')", "\"\\n\\t\\r\\b\\f\\u0000\\u001f\x7f\""},
      {R"('\u{e9}\u{20ac}\u{1f438}')", "\"\xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB8\""},
      {R"('a\xFFb\xC3')", "\"a\xEF\xBF\xBD"
                          "b\xEF\xBF\xBD\""},
      {R"('\xED\xA0\x80')", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"{}", "[]"},
      {"{1, 2, 3}", "[1,2,3]"},
      {"{[3]='c', [2]='b', [1]='a'}", R"(["a","b","c"])"},
      {"{[1.0]='a', [2]='b'}", R"(["a","b"])"},
      {"{a=1}", R"({"a":1})"},
      {"{a={{b={}}, 1}}", R"({"a":[{"b":[]},1]})"},
      {"{[true]=1}", R"({"true":1})"},
      {"{f=print}", R"({"f":null})"},
      {"{coroutine.create(print)}", "[null]"},
      {"{e=errors.new('broken')}", R"({"e":"broken"})"},
      {"setmetatable({a=1}, {__index={b=2}, __pairs=error, __len=error})", R"({"a":1})"},
  };
  for (const row& r : rows) {
    CAPTURE(r.value);
    CHECK(encoded(r.value) == r.text);
  }
}

SCENARIO("values without a JSON form are refused with the place in them", "[json]") {
  CHECK(encoded("{1, a=2}") == "err: cannot encode a table with mixed keys at $");
  CHECK(encoded("{a={b={1, x=2}}}") == "err: cannot encode a table with mixed keys at $.a.b");
  CHECK(encoded("{{}, {{x={[1]=1, y=2}}}}") ==
        "err: cannot encode a table with mixed keys at $[2][1].x");
  CHECK(encoded("{a={1, nil, 3}}") ==
        "err: cannot encode a table with gaps (2 values, last key 3) at $.a");
  CHECK(encoded("{[0]=1}") == "err: cannot encode a table with key 0 at $");
  CHECK(encoded("{[1.5]=1}") == "err: cannot encode a table with a fractional number as key at $");
  CHECK(encoded("{[print]=1}") == "err: cannot encode a table with a function as key at $");
  CHECK(encoded("{x=1, [{}]=1}").find("with a table as key at $") != std::string::npos);

  test_state lua;
  CHECK(lua.run("local t = {} t.a = {t} local _, err = json.encode(t) return err") ==
        "cannot encode a table that contains itself at $.a[1]");
  GIVEN("tables nested as deep as allowed") {
    const std::string nest = "local t = {} for i = 2, n do t = {t} end ";
    CHECK(lua.run("local n = 128 " + nest + "return #json.encode(t)") == "256");
    CHECK(lua.run("local n = 129 " + nest + "local _, e = json.encode(t) return e")
              .find("cannot encode more than 128 levels of tables at $[1][1]") == 0);
  }
  GIVEN("shared tables that would grow without end") {
    CHECK(lua.run("local t = {1} for i = 1, 100 do t = {t, t} end "
                  "local _, e = json.encode(t) return e")
              .find("cannot encode more than 16777216 bytes at $") == 0);
  }
  CHECK(lua.run("local _, e = json.encode({1, a=1}) return e:kind()") == "Internal");
}

SCENARIO("JSON text becomes Lua values", "[json]") {
  struct row {
    const char* document;
    const char* shown;
  };
  const row rows[] = {
      {"null", "nil nil"},
      {" true ", "boolean true"},
      {"0", "integer 0"},
      {"-0", "integer 0"},
      {"42", "integer 42"},
      {"9223372036854775807", "integer 9223372036854775807"},
      {"-9223372036854775808", "integer -9223372036854775808"},
      {"9223372036854775808", "float 9.2233720368548e+18"},
      {"18446744073709551616", "float 1.844674407371e+19"},
      {"1.0", "float 1.0"},
      {"1e3", "float 1000.0"},
      {"-2.5E-1", "float -0.25"},
      {"1e-999", "float 0.0"},
      {R"("a\"\\\/\b\f\n\r\tb")", "string a\"\\/\b\f\n\r\tb"},
      {R"("\u00e9\u20AC\ud83d\udc38")", "string \xC3\xA9\xE2\x82\xAC\xF0\x9F\x90\xB8"},
      {R"("\ud83d-\udc38")", "string \xEF\xBF\xBD-\xEF\xBF\xBD"},
      {R"("\ud83d\ud83d\udc38")", "string \xEF\xBF\xBD\xF0\x9F\x90\xB8"},
      {"\"\xC3\xA9\"", "string \xC3\xA9"},
      {"[]", "{}"},
      {"{}", "{}"},
      {"[1,[2,[3]]]", "{1=integer 1, 2={1=integer 2, 2={1=integer 3}}}"},
      {"[1,null,3]", "{1=integer 1, 3=integer 3}"},
      {R"({"a":1,"b":{"c":null}})", "{a=integer 1, b={}}"},
      {R"({"a":1,"a":2})", "{a=integer 2}"},
      {"\r\n\t [ 1 , 2 ] ", "{1=integer 1, 2=integer 2}"},
  };
  for (const row& r : rows) {
    CAPTURE(r.document);
    CHECK(decoded(r.document) == r.shown);
  }
}

SCENARIO("what is not JSON is refused with the byte and what was expected", "[json]") {
  struct row {
    std::string document;
    const char* text;
  };
  const row rows[] = {
      {"{", "unexpected end of text at byte 2, expected a key in double quotes"},
      {"{\"a\":}", "unexpected '}' at byte 6, expected a value"},
      {"{\"a\" 1}", "unexpected '1' at byte 6, expected ':'"},
      {"{a:1}", "unexpected 'a' at byte 2, expected a key in double quotes"},
      {"{\"a\":1,}", "unexpected '}' at byte 8, expected a key in double quotes"},
      {"[1,]", "unexpected ']' at byte 4, expected a value"},
      {"[1 2]", "unexpected '2' at byte 4, expected ',' or ']'"},
      {"[1", "unexpected end of text at byte 3, expected ',' or ']'"},
      {"1 2", "unexpected '2' at byte 3, expected the end of the text"},
      {"01", "unexpected '1' at byte 2, expected no digit behind a leading zero"},
      {"-", "unexpected end of text at byte 2, expected a digit"},
      {"1.", "unexpected end of text at byte 3, expected a digit"},
      {"1e+", "unexpected end of text at byte 4, expected a digit"},
      {".5", "unexpected '.' at byte 1, expected a value"},
      {"1e999", "number too large at byte 1"},
      {"truE", "unexpected 't' at byte 1, expected a value"},
      {"nul", "unexpected 'n' at byte 1, expected a value"},
      {"NaN", "unexpected 'N' at byte 1, expected a value"},
      {"\"abc", "unexpected end of text at byte 5, expected '\"'"},
      {"\"a\nb\"", "unescaped control byte 0x0a in a string at byte 3"},
      {"\"a\\x\"", "unknown escape at byte 3"},
      {"\"\\u12g4\"", "unexpected 'g' at byte 6, expected four hexadecimal digits"},
      {"\"\xFF\"", "byte 0xff is not UTF-8 at byte 2"},
      {"\"\\n\xC0\x80\"", "byte 0xc0 is not UTF-8 at byte 4"},
      {"\xEF\xBB\xBF{}", "unexpected byte 0xef at byte 1, expected a value"},
      {" ", "unexpected end of text at byte 2, expected a value"},
      {std::string("1\0", 2), "unexpected byte 0x00 at byte 2, expected the end of the text"},
  };
  for (const row& r : rows) {
    CAPTURE(r.document);
    CHECK(decoded(r.document) == std::string("err: json.decode: ") + r.text);
  }
  CHECK(decoded(std::string(512, '[') + std::string(512, ']')).substr(0, 4) == "{1={");
  CHECK(decoded(std::string(513, '[') + std::string(513, ']')) ==
        "err: json.decode: more than 512 levels at byte 513");

  test_state lua;
  CHECK(lua.run("local _, e = json.decode('') return e:kind() .. ': ' .. e") ==
        "Invalid: json.decode: the text is empty");
  CHECK(lua.run("local _, e = json.decode({}) return e:kind() .. ': ' .. e") ==
        "Invalid: json.decode takes a text, got table");
  CHECK(lua.run("local _, e = json.decode('{') return e:kind()") == "Internal");
}

SCENARIO("large containers keep their order and their number", "[json]") {
  test_state lua;
  CHECK(lua.run("local t = {} for i = 1, 1000 do t[i] = i end local s = json.encode(t) "
                "local u = json.decode(s) assert(#u == 1000) "
                "for i = 1, 1000 do assert(u[i] == i) end return json.encode(u) == s") == "true");
  CHECK(lua.run("local t = {} for i = 1, 1000 do t['k' .. i] = i end "
                "local u = json.decode(json.encode(t)) local n = 0 "
                "for k, v in pairs(u) do assert(t[k] == v) n = n + 1 end return n") == "1000");
}

SCENARIO("a value that knows its JSON form is embedded as it is", "[json]") {
  static embedded_value given;
  set_embedded_reader([](lua_State*, int, embedded_value& value) noexcept {
    value = given;
    return true;
  });
  test_state lua;
  lua_newuserdatauv(lua.L, 1, 0);
  lua_setglobal(lua.L, "given");
  const auto embedded = [&lua](hub::payload_kind kind, std::string_view bytes) {
    given = {kind, bytes};
    return lua.run("return json.encode({given})");
  };
  CHECK(embedded(hub::payload_kind::json, R"({"a": 1})") == R"([{"a": 1}])");
  CHECK(embedded(hub::payload_kind::text, "a\"b") == R"(["a\"b"])");
  CHECK(embedded(hub::payload_kind::binary, {"\x00\x01\xff\x78", 4}) == R"(["AAH/eA=="])");
  CHECK(embedded(hub::payload_kind::binary, "abc") == R"(["YWJj"])");
  CHECK(embedded(hub::payload_kind::nil, "") == "[null]");
  set_embedded_reader(nullptr);
  CHECK(lua.run("return json.encode({given})") == "[null]");
}

SCENARIO("an encoding that fails leaves the buffer as it was", "[json]") {
  test_state lua;
  luaL_dostring(lua.L, "return {'a', {1, x = 1}}");
  byte_buffer buffer(64);
  REQUIRE(buffer.append("before"));
  encode_error error;
  CHECK_FALSE(encode_value(lua.L, -1, buffer, error));
  CHECK(error.fault == encode_fault::mixed_keys);
  CHECK(buffer.view() == "before");
  CHECK(lua_gettop(lua.L) == 1);

  luaL_dostring(lua.L, "return ('x'):rep(60)");
  CHECK_FALSE(encode_value(lua.L, -1, buffer, error));
  CHECK(error.fault == encode_fault::too_large);
  CHECK(std::string(error.text) == "cannot encode more than 64 bytes at $");
  CHECK(buffer.view() == "before");
}
