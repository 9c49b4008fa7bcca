#include "test_state.hpp"

#include "tests/catch.hpp"

using natterjack::tests::test_state;

SCENARIO("error objects say what went wrong, of which kind, and where", "[errors]") {
  test_state lua;
  GIVEN("an error made from a text") {
    CHECK(lua.run("return errors.new('broken'):message()") == "broken");
    CHECK(lua.run("return errors.new('broken'):kind() == errors.UNKNOWN") == "true");
    CHECK(lua.run("return '[' .. errors.UNKNOWN .. ']'") == "[]");
    CHECK(lua.run("return errors.is(errors.new('broken'), errors.UNKNOWN)") == "true");
    CHECK(lua.run("return errors.new(errors.UNKNOWN, 'odd'):message()") == "odd");
    CHECK(lua.run("return errors.new('broken'):retryable()") == "nil");
    CHECK(lua.run("return errors.new('broken'):details()") == "nil");
    CHECK(lua.run("return tostring(errors.new('broken'))") == "broken");
    CHECK(lua.run("return 'it is ' .. errors.new('broken')") == "it is broken");
    CHECK(lua.run("return errors.new('broken') .. ' indeed'") == "broken indeed");
    CHECK(lua.run("return errors.new('a') .. errors.new('b')") == "ab");
  }
  GIVEN("an error made from a kind and a text") {
    CHECK(lua.run("return errors.new(errors.TIMEOUT, 'late'):kind()") == "Timeout");
    CHECK(lua.run("return errors.new('PERMISSION_DENIED', 'no'):kind()") == "PermissionDenied");
    CHECK(lua.run("return errors.new('odd', 'no')") ==
          "error: chunk:1: unknown error kind 'odd', use a constant such as errors.NOT_FOUND");
  }
  GIVEN("an error made from a table") {
    CHECK(lua.run("local e = errors.new{message='gone', kind=errors.NOT_FOUND, retryable=false, "
                  "details={id=7}} return e:kind() .. tostring(e:retryable()) .. e:details().id") ==
          "NotFoundfalse7");
    CHECK(lua.run("return errors.new{kind=errors.INVALID}")
              .find("the field message must be a string, got nil") != std::string::npos);
    CHECK(lua.run("return errors.new{message='x', details=1}")
              .find("the field details must be a table, got number") != std::string::npos);
  }
  GIVEN("a wrapped error") {
    lua.run("inner = errors.new{message='gone', kind=errors.NOT_FOUND, retryable=true, "
            "details={id=7}} outer = errors.wrap(inner, 'loading')");
    CHECK(lua.run("return outer") == "loading: gone");
    CHECK(lua.run("return outer:message()") == "gone");
    CHECK(lua.run("return tostring(errors.wrap(outer, 'starting'))") == "starting: loading: gone");
    CHECK(lua.run("return errors.wrap(outer, 'starting'):message()") == "gone");
    CHECK(lua.run("return 'it is ' .. outer") == "it is loading: gone");
    CHECK(lua.run("return outer:find('gone') .. string.upper(outer)") == "10LOADING: GONE");
    CHECK(lua.run("return errors.wrap('plain', 'loading'):message()") == "plain");
    CHECK(lua.run("return errors.is(outer, errors.NOT_FOUND)") == "true");
    CHECK(lua.run("return errors.is(outer, errors.INVALID)") == "false");
    CHECK(lua.run("return outer:details().id") == "7");
    CHECK(lua.run("return outer:retryable()") == "true");
    CHECK(lua.run("return errors.wrap('plain', 'loading')") == "loading: plain");
  }
  GIVEN("an error from inside functions") {
    CHECK(lua.run("local function f()\n return (errors.new('x')) end\n"
                  "local s = errors.call_stack(f()) local t = s.frames[1]\n"
                  "return s.thread .. ' ' .. t.source .. ':' .. t.line .. ' ' .. t.name") ==
          "main chunk:2 f");
    CHECK(lua.run("local function f()\n return (errors.new('x')) end\nreturn f():stack()") ==
          "stack:\n\tchunk:2: in f\n\tchunk:3: in main chunk");
    CHECK(lua.run("return errors.call_stack('text')") == "nil");
  }
}

SCENARIO("wrong use of error objects is told", "[errors]") {
  test_state lua;
  CHECK(lua.run("local e = errors.new('x') return e.message()")
            .find("call it with a colon, as in err:message()") != std::string::npos);
  CHECK(lua.run("return errors.is('x', 'nonsense')").find("unknown error kind 'nonsense'") !=
        std::string::npos);
  CHECK(lua.run("return errors.is('x', errors.INVALID)") == "false");
  CHECK(lua.run("return getmetatable(errors.new('x'))") == "false");
  CHECK(lua.run("return errors.new('x') .. {}").find("attempt to concatenate") !=
        std::string::npos);
  CHECK(lua.run("error(errors.new('thrown'))") == "error: thrown");
}
