#include "test_state.hpp"

#include "tests/catch.hpp"
#include "tests/seed.hpp"

#include <algorithm>
#include <random>

using natterjack::tests::test_state;

namespace {

// Calls the function `name` of a library with the arguments given as Lua source, in both versions.
// The chunk gives "ours | stock" if they differ, else what both say.
const char* const comparer = R"(
  local function show(...)
    local out = table.pack(...)
    for i = 1, out.n do
      local v = out[i]
      out[i] = math.type(v) == "integer" and "i" .. v
        or type(v) == "string" and string.format("%q", v) or tostring(v)
    end
    if out[1] == "false" then out[2] = out[2]:gsub("^\"[^:]*:%d+: ", "\""):gsub("to '.-'", "")
      :gsub("(capture index %%%d) in replacement string", "%1") end
    return table.concat(out, " ", 1, out.n)
  end
  function compare(name, ...)
    local ours, theirs = show(pcall(string[name], ...)), show(pcall(stock.string[name], ...))
    return ours == theirs and ours or ours .. " | " .. theirs
  end
  function compare_gmatch(subject, pattern, init)
    local function all(gmatch)
      local out = {}
      for a, b in gmatch(subject, pattern, init) do
        out[#out + 1] = tostring(a) .. "," .. tostring(b)
      end
      return table.concat(out, ";")
    end
    local ours, theirs = show(pcall(all, string.gmatch)), show(pcall(all, stock.string.gmatch))
    return ours == theirs and ours or ours .. " | " .. theirs
  end
)";

struct pattern_fixture {
  pattern_fixture() { lua.run(comparer); }
  std::string compare(const std::string& arguments) {
    return lua.run("return compare(" + arguments + ")");
  }
  test_state lua;
};

std::string in_quotes(const std::string& text) {
  std::string out = "'";
  for (const char c : text)
    out += "\\x" + std::string(1, "0123456789abcdef"[static_cast<unsigned char>(c) >> 4]) +
           "0123456789abcdef"[static_cast<unsigned char>(c) & 15];
  return out + "'";
}

} // namespace

SCENARIO_METHOD(pattern_fixture, "patterns match as in Lua 5.4", "[pattern]") {
  struct row {
    const char* arguments;
    const char* result;
  };
  const row rows[] = {
      {"'find', 'hello world', 'o w'", "true i5 i7"},
      {"'find', 'hello', 'l+'", "true i3 i4"},
      {"'find', 'hello', ''", "true i1 i0"},
      {"'find', 'hello', '', 6", "true i6 i5"},
      {"'find', 'hello', '', 7", "true nil"},
      {"'find', 'hello', 'l', -2", "true i4 i4"},
      {"'find', 'hello', 'h', -100", "true i1 i1"},
      {"'find', 'a.b', '.', 1, true", "true i2 i2"},
      {"'find', 'a.b', '%.'", "true i2 i2"},
      {"'find', 'a\\0b', 'b'", "true i3 i3"},
      {"'find', 'a\\0b', '%z'", "true i2 i2"},
      {"'find', 'abc', '(b)()'", "true i2 i2 \"b\" i3"},
      {"'find', 12345, 34", "true i3 i4"},
      {"'match', 'key = value', '^(%w+)%s*=%s*(%w+)$'", "true \"key\" \"value\""},
      {"'match', '  trim  ', '^%s*(.-)%s*$'", "true \"trim\""},
      {"'match', '2024-12-29', '(%d+)-(%d+)-(%d+)'", "true \"2024\" \"12\" \"29\""},
      {"'match', 'f(a(b)c)d', '%b()'", "true \"(a(b)c)\""},
      {"'match', 'f(a(b', '%b()'", "true \"(b\" | "},
      {"'match', 'THE (quick) fox', '%f[%a]%a+%f[%A]', 5", "true \"quick\""},
      {"'match', 'word', '%f[%w]%w+%f[%W]'", "true \"word\""},
      {"'match', 'abab', '(ab)%1'", "true \"ab\""},
      {"'match', 'aXb', '[^%l]'", "true \"X\""},
      {"'match', 'a]b', '[]]'", "true \"]\""},
      {"'match', 'a^b', '[b^]'", "true \"^\""},
      {"'match', 'a-b', '[a%-]+'", "true \"a-\""},
      {"'match', 'x-y', '[+--]'", "true \"-\""},
      {"'match', 'colour', 'colou?r'", "true \"colour\""},
      {"'match', 'color', 'colou?r'", "true \"color\""},
      {"'match', 'aaa', 'a-'", "true \"\""},
      {"'match', '$5', '$%d'", "true \"$5\""},
      {"'match', 'a$', 'a$$'", "true \"a$\""},
      {"'match', 'abc', '()b()'", "true i2 i3"},
      {"'gsub', 'hello world', 'o', '0'", "true \"hell0 w0rld\" i2"},
      {"'gsub', 'hello', '', '-'", "true \"-h-e-l-l-o-\" i6"},
      {"'gsub', 'abc', '%w', '%0%0', 2", "true \"aabbc\" i2"},
      {"'gsub', 'a b', '(%w) (%w)', '%2 %1'", "true \"b a\" i1"},
      {"'gsub', 'abc', 'b', '%%'", "true \"a%c\" i1"},
      {"'gsub', 'abc', '()', '%1'", "true \"1a2b3c4\" i4"},
      {"'gsub', 'a.b', '%.', {['.'] = '!'}", "true \"a!b\" i1"},
      {"'gsub', '$x $y', '%$(%w+)', {x = 1}", "true \"1 $y\" i2"},
      {"'gsub', 'abc', '%w', function(c) if c == 'b' then return 'B' end end", "true \"aBc\" i3"},
      {"'gsub', 'abc', '^a', 'x'", "true \"xbc\" i1"},
      {"'gsub', 'abc', 'z*', '-'", "true \"-a-b-c-\" i4"},
      {"'gsub', 'abc', 'b', 5", "true \"a5c\" i1"},
      {"'gsub', 'abc', 'b', 'x', 0", "true \"abc\" i0"},
      {"'gsub', 'abc', 'b', 'x', -1", "true \"abc\" i0"},
  };
  for (const row& r : rows) {
    CAPTURE(r.arguments);
    const std::string said = compare(r.arguments);
    CHECK(said.find(" | ") == std::string::npos);
    if (std::string(r.result).find(" | ") == std::string::npos)
      CHECK(said == r.result);
  }
  CHECK(lua.run("return compare_gmatch('one two  three', '%a+')") ==
        R"(true "one,nil;two,nil;three,nil")");
  CHECK(lua.run("return compare_gmatch('k=v, x=y', '(%w+)=(%w+)')") == R"(true "k,v;x,y")");
  CHECK(lua.run("return compare_gmatch('abc', '')") == R"(true ",nil;,nil;,nil;,nil")");
  CHECK(lua.run("return compare_gmatch('abc', '^a')").find(" | ") == std::string::npos);
  CHECK(lua.run("return compare_gmatch('aaaa', 'a', -2)") == R"(true "a,nil;a,nil")");
  CHECK(lua.run("return compare_gmatch('aaaa', 'a', 9)") == R"(true "")");
  CHECK(lua.run("return ('x'):find('x') .. ('abc'):gsub('b', '')") == "1ac");
}

SCENARIO_METHOD(pattern_fixture, "malformed patterns are refused with Lua's own words",
                "[pattern]") {
  const char* const patterns[] = {
      "%",      "a%", "[a", "[]",    "[^]", "[a%",  "[a%]",   "%b",  "%bx",     "%f",    "%fa",
      "(a",     "a)", "%1", "(a)%2", "%0",  "()%1", "(a%1)",  "(()", "[%",      "[a-",   "[a-%]",
      "[%a-z]", "*",  "^*", "a**",   "$*",  "(*)",  "%f[a]%", "[[]", "[a-z-9]", "%b()*", "(a)%1*"};
  for (const std::string pattern : patterns) {
    for (const std::string name : {"find", "match", "gsub"}) {
      const std::string arguments =
          "'" + name + "', 'aab]a', '" + pattern + "'" + (name == "gsub" ? ", 'x'" : "");
      CAPTURE(arguments);
      CHECK(compare(arguments).find(" | ") == std::string::npos);
    }
  }
  const std::string captures33 = std::string(33 * 2, '(').replace(0, 66, []() {
    std::string all;
    for (int i = 0; i < 33; ++i)
      all += "()";
    return all;
  }());
  CHECK(compare("'find', 'a', '" + captures33 + "'") == "false \"too many captures\"");
  CHECK(compare("'find', ('a'):rep(300), ('a?'):rep(300)") == "false \"pattern too complex\"");
  CHECK(compare("'find', '', ('a?'):rep(300)") == "true i1 i0");
  for (const char* replacement : {"%2", "%9"}) {
    CAPTURE(replacement);
    CHECK(compare("'gsub', 'abc', 'b', '" + std::string(replacement) + "'").find(" | ") ==
          std::string::npos);
  }
  CHECK(lua.run("return ('abc'):gsub('b', '%') .. ('abc'):gsub('b', '%-%a')") == "a%ca-ac");
  for (const char* other : {"nil", "true", "tostring"}) {
    CAPTURE(other);
    CHECK(compare("'gsub', 'abc', 'b', " + std::string(other)).find(" | ") == std::string::npos);
  }
  CHECK(compare("'gsub', 'abc', 'b', function() return {} end") ==
        "false \"invalid replacement value (a table)\"");
  CHECK(compare("'find', {}, 'b'").find(" | ") == std::string::npos);
  CHECK(compare("'find', 'abc'").find(" | ") == std::string::npos);
}

SCENARIO_METHOD(pattern_fixture, "long sets match as in Lua 5.4", "[pattern]") {
  const unsigned seed = test::seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&random](size_t count) {
    return random() % count;
  };
  const std::vector<std::string> pieces = {"a",  "b",  "1",  " ",  "-",    ".",   "^",    "%-",
                                           "%]", "%%", "%a", "%D", "%s",   "%w",  "a-c",  "0-5",
                                           "c-a", "(",  "[",  "x",  "b-z", "%a-", "\x80", "A-\xff"};
  std::string letters;
  for (int byte = 0; byte < 256; ++byte)
    if (byte != '|') // which is between two answers that differ
      letters += static_cast<char>(byte);
  for (int i = 0; i < 300; ++i) {
    std::string pattern;
    for (size_t set = pick(6) + 1; set > 0; --set) {
      pattern += pick(4) == 0 ? "%f[" : "[";
      pattern += pick(2) == 0 ? "^" : "";
      const auto& said = pieces[pick(pieces.size())]; // again and again, or mixed with others
      for (size_t n = 10 + pick(40); n > 0; --n)
        pattern += pick(3) == 0 ? pieces[pick(pieces.size())] : said;
      pattern += "]";
      // Two that repeat are enough: with more, both libraries would try for long.
      pattern += std::vector<std::string>{"", "?", "*", "-", "+"}[pick(set > 2 ? 2 : 5)];
    }
    std::string subject = letters;
    std::shuffle(subject.begin(), subject.end(), random);
    subject.resize(48);
    const auto both = in_quotes(subject) + ", " + in_quotes(pattern);
    for (const auto& call : {"'find', " + both, "'gsub', " + both + ", '.'"}) {
      const auto said = compare(call);
      if (said.find(" | ") != std::string::npos || said.find("error: ") == 0) {
        CAPTURE(subject, pattern, call);
        CHECK(said == "the same");
      }
    }
  }
}

SCENARIO_METHOD(pattern_fixture, "random patterns say what the standard library says",
                "[pattern]") {
  const unsigned seed = test::seed();
  CAPTURE(seed);
  std::mt19937 random(seed);
  const auto pick = [&random](size_t count) {
    return random() % count;
  };
  const std::vector<std::string> pieces = {
      "a",      "b",     "c", ".",      "%a", "%d",  "%s", "%A",   "%.",    "[ab]", "[^a]",
      "[a-c]",  "*",     "+", "-",      "?",  "(",   ")",  "()",   "%1",    "%2",   "%b()",
      "%bab",   "%f[a]", "$", "^",      "]",  "[",   "%",  "[%a]", "[^%d]", "[a-]", "[]a]",
      "[a%]b]", "1",     " ", "%f[%A]", "%x", "%w+", ".-", ".*",   "(a*)",  "(.)",  "(b-)"};
  const std::string letters = "aabbc1 ()]-.A%";
  std::string chunk;
  for (int i = 0; i < 3000; ++i) {
    std::string subject, pattern;
    for (size_t n = pick(12); n > 0; --n)
      subject += letters[pick(letters.size())];
    for (size_t n = pick(7); n > 0; --n)
      pattern += pieces[pick(pieces.size())];
    const std::string both = in_quotes(subject) + ", " + in_quotes(pattern);
    const std::string init = std::to_string(static_cast<int>(pick(20)) - 8);
    const std::string replacement =
        in_quotes(std::vector<std::string>{"<%0>", "%1", "%2-", "", "x%%"}[pick(5)]);
    for (const std::string& call : {"compare('find', " + both + ", " + init + ")",
                                    "compare('match', " + both + ", " + init + ")",
                                    "compare('gsub', " + both + ", " + replacement + ")",
                                    "compare_gmatch(" + both + ", " + init + ")"}) {
      const std::string said = lua.run("return " + call);
      if (said.find(" | ") != std::string::npos || said.find("error: ") == 0) {
        CAPTURE(subject, pattern, call);
        CHECK(said == "the same");
      }
    }
  }
}

SCENARIO_METHOD(pattern_fixture, "a pattern that would take for ever is given up", "[pattern]") {
  CHECK(lua.run("return string.find(('a'):rep(40), ('a*'):rep(30) .. 'b')") ==
        "error: chunk:1: pattern too complex: it needs more than 1002000 steps on 40 bytes");
  CHECK(lua.run("return pcall(string.gsub, ('a'):rep(40), ('a*'):rep(30) .. 'b', '')") == "false");
  CHECK(lua.run("return pcall(string.match, ('('):rep(100000), ('.-'):rep(10) .. '%)')") ==
        "false");
  GIVEN("long subjects with patterns that are no trouble") {
    lua.run("long = ('abc '):rep(250000)");
    CHECK(lua.run("return select(2, long:gsub('%a+', string.upper))") == "250000");
    CHECK(lua.run("return #long:match('^.*$')") == "1000000");
    CHECK(lua.run("return long:find('d')") == "nil");
    CHECK(lua.run("return long:find('c $')") == "999999");
    CHECK(lua.run("local n = 0 for w in long:gmatch('%S+') do n = n + 1 end return n") == "250000");
    CHECK(lua.run("return (('a'):rep(500000)):find(('a'):rep(250000) .. 'b', 1, true)") == "nil");
  }
}
