#include "runtime/log_format.hpp"

#include "hub/log_fields.hpp"
#include "runtime/log_traceback.hpp"
#include "tests/catch.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/details/log_msg.h>

using namespace natterjack;
using namespace natterjack::runtime;

namespace {

const hub::host_name host{"here", "app:host", "{here@app:host|0x"};

std::string line(log_format format, std::string_view text) {
  spdlog::memory_buf_t out;
  make_formatter(format)->format(
      spdlog::details::log_msg("log", spdlog::level::warn, spdlog::string_view_t(text.data(), text.size())),
      out);
  return {out.data(), out.size()};
}

nlohmann::json object(std::string_view text) {
  const auto written = line(log_format::json, text);
  REQUIRE(written.ends_with("}\n"));
  REQUIRE(written.find('\n') == written.size() - 1);
  return nlohmann::json::parse(written);
}

} // namespace

SCENARIO("a line is one object with what is known", "[runtime][log_format]") {
  const auto plain = object("two\nlines and \"quotes\" and \xff");
  CHECK(plain["level"] == "warning");
  CHECK(plain["message"].get<std::string>().starts_with("two\nlines and \"quotes\" and "));
  CHECK(plain["time"].get<std::string>().size() == 29);
  CHECK(plain.size() == 3);
  GIVEN("somebody it is about") {
    const hub::log_scope about({.entry = "app:hub (hub.lua):12",
                                .process = hub::pid(&host, 1),
                                .connection = hub::pid(&host, 2),
                                .message = "joined",
                                .more = R"("nick":"ada")"});
    const auto made = object("app:hub (hub.lua):12 {…}: joined nick=ada");
    CHECK(made["message"] == "joined");
    CHECK(made["entry"] == "app:hub");
    CHECK(made["where"] == "(hub.lua):12");
    CHECK(made["pid"] == "{here@app:host|0x00001}");
    CHECK(made["connection"] == "{here@app:host|0x00002}");
    CHECK(made["fields"] == nlohmann::json{{"nick", "ada"}});
    GIVEN("a scope inside") {
      const hub::log_scope inner({.entry = "app:other"});
      CHECK(object("text")["entry"] == "app:other");
      CHECK_FALSE(object("text").contains("pid"));
    }
    CHECK(object("again")["entry"] == "app:hub");
  }
  CHECK(object("text").size() == 3);
}

SCENARIO("text is for people and stays as it was", "[runtime][log_format]") {
  const hub::log_scope about({.entry = "app:hub", .message = "less"});
  CHECK(line(log_format::text, "all of it").ends_with(" warning all of it\n"));
}

SCENARIO("a text in a line begins no line of its own", "[runtime][log_format]") {
  const auto text = [](std::string_view of) {
    const auto made = line(log_format::text, of);
    return made.substr(made.find(" warning ") + 9);
  };
  CHECK(text("bad: x\n2026-11-22T00:00:00.000+00:00 info forged") ==
        "bad: x\n  2026-11-22T00:00:00.000+00:00 info forged\n");
  CHECK(text("failed\n  a.lua:1: in f\n\tb") == "failed\n  a.lua:1: in f\n\tb\n");
  CHECK(text("a\n\nb\n") == "a\n  \n  b\n  \n");
  CHECK(text("a\rb") == "a\\x0db\n");
  CHECK(text("\x1b[2Jgone\x7f") == "\\x1b[2Jgone\\x7f\n");
  CHECK(text("\xc2\x9b" "2J \xc2\xa0\xc3\xa9\tend") == "\\x9b2J \xc2\xa0\xc3\xa9\tend\n");
  CHECK(text(std::string_view("a\0b", 3)) == "a\\x00b\n");
  GIVEN("what looks like a traceback") {
    const std::string forged = "failed\nstack traceback:\n\tb.lua:2: in g";
    const std::string real = "stack traceback:\n\ta.lua:1: in f";
    const std::string shown = "failed\n  stack traceback:\n\tb.lua:2: in g\n";
    CHECK(text(forged) == shown);
    {
      const log_traceback said(real);
      CHECK(text(forged + "\n" + real) == shown + real + "\n");
      const auto made = object(forged + "\n" + real);
      CHECK(made["message"] == forged);
      CHECK(made["traceback"] == real);
      CHECK(text(forged) == shown);
    }
    CHECK(text(forged + "\n" + real) == shown + "  " + real + "\n");
    const log_traceback returned("returned by a.lua");
    CHECK(text("failed\nreturned by a.lua") == "failed\n  returned by a.lua\n");
  }
}

SCENARIO("a line is cut at 16 KiB", "[runtime][log_format]") {
  constexpr size_t bytes_max = 16 * 1024;
  CHECK(line(log_format::text, std::string(16'000, 'x')).ends_with("xx\n"));
  for (const std::string_view each : {"x", "\xc3\xa9", "\x1b", "a\n"}) {
    std::string much;
    while (much.size() < 100'000)
      much += each;
    const auto mark = " ... (" + std::to_string(much.size()) + " bytes, cut)";
    const auto cut = line(log_format::text, much);
    CHECK(cut.size() <= bytes_max);
    CHECK(cut.size() > bytes_max - 60);
    CHECK(cut.ends_with(mark + "\n"));
    CHECK(object(much)["message"].get<std::string>().ends_with(mark));
    const auto trace = "stack traceback:\n\t" + much;
    const log_traceback said(trace);
    const auto both = line(log_format::text, much + "\n" + trace);
    CHECK(both.size() <= bytes_max);
    CHECK(both.find(mark + "\nstack traceback:\n\t") != std::string::npos);
    CHECK(object(much + "\n" + trace)["traceback"].get<std::string>().ends_with("bytes, cut)"));
  }
}
