#include "test_state.hpp"

#include "tests/catch.hpp"

using natterjack::tests::test_state;

SCENARIO("a logger writes one line for each message", "[logger]") {
  test_state lua;
  const auto logged = [&lua](const std::string& call) {
    const std::string said = lua.run(call);
    return said == "nil" ? lua.take_log() : said;
  };
  CHECK(logged("logger:info('started')") == "info started\n");
  CHECK(logged("logger:warn('slow')") == "warn slow\n");
  CHECK(logged("logger:error('broken')") == "error broken\n");
  CHECK(logged("logger:debug('not enabled', {x = 1})") == "");
  CHECK(logged("logger:info(errors.new('an error'))") == "info an error\n");
  CHECK(logged("logger:info(nil)") == "info nil\n");
  GIVEN("fields") {
    CHECK(logged("logger:info('m', {b = 2, a = 'x', c = true})") == "info m a=x b=2 c=true\n");
    CHECK(logged("logger:info('m', {text = 'two words', quote = 'a\"b', empty = ''})") ==
          "info m empty=\"\" quote=\"a\\\"b\" text=\"two words\"\n");
    CHECK(logged("logger:info('m', {list = {1, 2}, map = {k = 'v'}})") ==
          "info m list=[1,2] map={\"k\":\"v\"}\n");
    CHECK(logged("logger:info('m', {bad = {1, x = 2}})") == "info m bad=<table>\n");
    CHECK(logged("logger:info('m', {err = errors.new('went wrong')})") ==
          "info m err=\"went wrong\"\n");
    CHECK(logged("logger:info('m', {'first', 'second'})") == "info m 1=first 2=second\n");
    CHECK(logged("logger:info('m', 'only')") == "info m value=only\n");
    CHECK(logged("logger:info('m', {t = time.unix(0):utc()})") ==
          "info m t=\"1970-01-01 00:00:00 +0000 UTC\"\n");
  }
  GIVEN("children") {
    CHECK(logged("logger:with({request = 7}):info('m', {a = 1})") == "info m request=7 a=1\n");
    CHECK(logged("logger:with({a = 1}):with({b = 2}):info('m')") == "info m a=1 b=2\n");
    CHECK(logged("logger:named('auth'):info('m')") == "info auth: m\n");
    CHECK(logged("logger:named('auth'):named('token'):with({a = 1}):named('x'):info('m')") ==
          "info auth.token.x: m a=1\n");
    CHECK(lua.run("local l, e = logger:named('') return e:kind()") == "Invalid");
  }
  GIVEN("texts that try to look like another line") {
    CHECK(logged("logger:info('a\\nerror b\\27[0m', {['k\\ney'] = 'v\\nw'})") ==
          "info a\\nerror b\\x1b[0m k\\ney=\"v\\nw\"\n");
  }
  GIVEN("values without a text") {
    CHECK(logged("logger:info('m', {f = print, t = coroutine.create(print)})") ==
          "info m f=<function> t=<thread>\n");
    CHECK(logged("logger:with({l = logger:named('x')}):info('m')") == "info m l=<userdata>\n");
  }
  GIVEN("much text") {
    const auto cut = logged("logger:info('m', {big = ('\\xc3\\xa9'):rep(20000), last = 1})");
    CHECK(cut.starts_with("info m big=\xc3\xa9"));
    CHECK(cut.ends_with("\xa9... last=1\n"));
    CHECK((cut.size() > 5'000 && cut.size() < 16'384));
    const auto both = logged("logger:info(('x'):rep(100000), {a = ('y'):rep(100000)})");
    CHECK(both.find("xxx... a=yyy") != std::string::npos);
    CHECK(both.ends_with("yyy...\n"));
    CHECK(both.size() < 16'384);
    CHECK(logged("local t = {} for i = 1, 70 do t['k' .. i] = i end logger:info('m', t)")
              .find(" and 6 more fields\n") != std::string::npos);
  }
  GIVEN("a log that wants members of JSON") {
    auto members = [&logged, &lua](const char* code) {
      logged(code);
      return lua.log_members();
    };
    CHECK(members("logger:info('m')").empty());
    CHECK(members("logger:info('m', {a = 1})") == R"("a":1)");
    CHECK(members("logger:info('m', {[1] = {x = 'y'}})") == R"("1":{"x":"y"})");
    CHECK(members("logger:with({a = 1}):with({b = 'two'}):info('m', {c = true})") ==
          R"("a":1,"b":"two","c":true)");
    const auto whole = [](std::string_view of) { return of.starts_with("\"a\":\"") && of.size() < 16'384; };
    const auto cut = members("logger:info('m', {a = ('y'):rep(100000)})");
    CHECK((whole(cut) && cut.size() > 5'000 && cut.ends_with("yyy...\"")));
    const auto escaped = members("logger:info('m', {a = ('\\n'):rep(100000)})");
    CHECK((whole(escaped) && escaped.size() > 2'000 && escaped.ends_with("\\n...\"")));
    const auto both = members("logger:with({a = ('y'):rep(100000)}):info('m', {b = 2})");
    CHECK((whole(both) && both.ends_with("yyy...\",\"b\":2")));
    CHECK(members("local t = {} for i = 1, 9000 do t[i] = i end logger:info('m', {a = t})") == R"("a":"...")");
    CHECK(members("logger:info('m', {a = print})") == R"("a":"<function>")");
    CHECK(members("logger:info('m', 'only')") == R"("value":"only")");
  }
  GIVEN("wrong use") {
    CHECK(lua.run("logger.info('m')").find("write logger:info(...) with a colon") !=
          std::string::npos);
    CHECK(lua.run("logger:with('x')").find("table expected, got string") != std::string::npos);
  }
}
