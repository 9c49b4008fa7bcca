#include "runtime/lua/program/lua_program.hpp"

#include "tests/catch.hpp"

using namespace natterjack::runtime::lua;

namespace {

program_ptr make(const std::string& id, const std::string& file, const std::string& text,
                 syntax_error* error = nullptr) {
  program_source source;
  source.id = id;
  source.file = file;
  source.text = text;
  return lua_program::make(std::move(source), error);
}

} // namespace

SCENARIO("programs are compiled once", "[lua][program]") {
  auto good = make("app:x", "x.lua", "return 1");
  REQUIRE(good);
  CHECK(good->chunk_name() == "app:x (x.lua)");
  CHECK_FALSE(good->bytecode().empty());
  syntax_error error;
  CHECK_FALSE(make("app:x", "x.lua", "local a = 1\nlocal = 2\n", &error));
  CHECK(error.line == 2);
  CHECK(error.message == "<name> expected near '='");
  CHECK_FALSE(make("app:x", "x.lua",
                   good->bytecode().data() == nullptr ? "" : std::string(good->bytecode()),
                   &error));
}

SCENARIO("a first line for the shell is skipped", "[lua][program]") {
  CHECK(make("app:x", "x.lua", "#!/usr/bin/env lua\nreturn 1"));
  CHECK(make("app:x", "x.lua", "#!/usr/bin/env lua\nlocal x: number = 1"));
  CHECK(make("app:x", "x.lua", "#!"));
  syntax_error error;
  CHECK_FALSE(make("app:x", "x.lua", "#!/usr/bin/lua\nlocal = 2", &error));
  CHECK(error.line == 2);
  CHECK_FALSE(make("app:x", "x.lua", "\n#!/usr/bin/lua", &error));
  CHECK(error.line == 2);
}

SCENARIO("long names stay readable in tracebacks", "[lua][program]") {
  const std::string id = "app.websocket.myapp:" + std::string(30, 'h');
  CHECK(make(id, "file_of_some_length.lua", "")->chunk_name() == id);
  const std::string longer = "app:" + std::string(100, 'h') + "end";
  const auto name = make(longer, "x.lua", "")->chunk_name();
  CHECK(name.size() == 59);
  CHECK(name.starts_with("..."));
  CHECK(name.ends_with("end"));
}

SCENARIO("syntax is checked without keeping anything", "[lua][program]") {
  CHECK_FALSE(check_syntax("goto done ::done::", "x.lua"));
  auto wrong = check_syntax("\n\nfunction f(", "x.lua");
  REQUIRE(wrong);
  CHECK(wrong->line == 3);
  CHECK(wrong->message.find("expected") != std::string::npos);
  wrong = check_syntax("for i = 1, 3 do\n", "a (b.lua)");
  REQUIRE(wrong);
  CHECK(wrong->line == 2);
  CHECK(wrong->message.find("'end' expected") == 0);
}
