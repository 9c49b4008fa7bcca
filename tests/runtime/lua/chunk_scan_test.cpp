#include "runtime/lua/program/chunk_scan.hpp"
#include "tests/catch.hpp"

using namespace natterjack::runtime::lua;

namespace {

std::vector<chunk_use> reads(std::string_view source) { return scan_chunk(source).reads; }

} // namespace

SCENARIO("annotations are passed over, and what they declare is known", "[lua][chunk_scan]") {
  const auto uses = scan_chunk("type Point = {x: number}\nexport type Other<T> = T\n"
                               "interface Shape\nend\n"
                               "local p: Point = a\nreturn Point:is(p)");
  CHECK(uses.reads == std::vector<chunk_use>{{"a", 5}, {"Point", 6}});
  CHECK(uses.types == std::set<std::string>{"Other", "Point", "Shape"});
  CHECK(scan_chunk("local x: T = = y").reads.empty());
  CHECK(scan_chunk("return y").types.empty());
}

SCENARIO("globals are what is left when locals are resolved", "[lua][chunk_scan]") {
  CHECK(reads("local a = 1\nreturn a").empty());
  CHECK(reads("return a") == std::vector<chunk_use>{{"a", 1}});
  CHECK(reads("#!/usr/bin/lua\nreturn a") == std::vector<chunk_use>{{"a", 2}});
  CHECK(reads("local a\nlocal function f()\n  return a, b\nend") ==
        std::vector<chunk_use>{{"b", 3}});
  CHECK(reads("local t = {}\nt.field = t.other\nreturn t") == std::vector<chunk_use>{});
  CHECK(reads("f(g)\n\n\ng(f)") == std::vector<chunk_use>{{"f", 1}, {"g", 1}});
}

SCENARIO("lines are right far into a long function", "[lua][chunk_scan]") {
  std::string source = "local x = 0\n";
  for (int line = 2; line < 400; ++line)
    source += line % 150 == 0 ? "\n" : "x = x + 1\n";
  source += "return late\n";
  CHECK(reads(source) == std::vector<chunk_use>{{"late", 400}});
  CHECK(reads("local x\n" + std::string(500, '\n') + "x = later") ==
        std::vector<chunk_use>{{"later", 502}});
}

SCENARIO("what a chunk sets is known, wherever it does", "[lua][chunk_scan]") {
  const auto uses = scan_chunk("function a() b = 1 end\n_ENV.c = 2");
  CHECK(uses.writes == std::set<std::string>{"a", "b", "c"});
}

SCENARIO("required modules are found with their lines", "[lua][chunk_scan]") {
  const auto uses = scan_chunk("local a = require('one')\nlocal b = require \"two\".x\n"
                               "local name = 'three'\nlocal c = require(name)\n"
                               "local require = print\nrequire('four')");
  CHECK(uses.required == std::vector<chunk_use>{{"one", 1}, {"two", 2}});
}

SCENARIO("a text that is no Lua gives nothing", "[lua][chunk_scan]") {
  CHECK(scan_chunk("this is no Lua").reads.empty());
  CHECK(scan_chunk(std::string_view("\x1bLua\x54\0junk", 10)).reads.empty());
}
