// The room without sockets: clients join, speak and leave, and what each of them hears is looked at.
#include "room.hpp"

#include <natterjack/testing.hpp>

#if __has_include(<catch2/catch_test_macros.hpp>)
#include <catch2/catch_test_macros.hpp>
#else
#include <catch2/catch.hpp>
#endif

using natterjack::json;
using natterjack::testing::world;

TEST_CASE("what is said reaches everybody with the speaker's name") {
  world world;
  const auto lobby = world.start("chat.room", {.input = {"lobby"}});
  auto ada = world.join(lobby, {{"nick", "ada"}});
  auto bufo = world.join(lobby, {{"nick", "bufo"}});
  CHECK(bufo.take("welcome").at("members") == json{"ada", "bufo"});
  CHECK(ada.take("joined").at("nick") == "bufo");

  ada.say({{"type", "say"}, {"text", "hello"}});
  CHECK(ada.take("said").at("text") == "hello");
  CHECK(bufo.take("said").at("from") == "ada");
}

TEST_CASE("a client that makes no sense is answered, alone, and the room goes on") {
  world world;
  const auto lobby = world.start("chat.room", {.input = {"lobby"}});
  auto ada = world.join(lobby, {{"nick", "ada"}});
  auto bufo = world.join(lobby, {{"nick", "bufo"}});
  bufo.take_all();
  ada.say(std::string(1000, '['));
  ada.say("{\"type\": 7}");
  CHECK(ada.take("error").at("message").get<std::string>().find("levels") != std::string::npos);
  CHECK(ada.take("error").at("message").get<std::string>().find("number") != std::string::npos);
  CHECK(bufo.topics().empty());
  CHECK(world.is_alive(lobby));
}

TEST_CASE("who enters another room takes the connection along") {
  world world;
  const auto lobby = world.start("chat.room", {.input = {"lobby"}});
  const auto lounge = world.start("chat.room", {.input = {"lounge"}});
  auto ada = world.join(lobby, {{"nick", "ada"}});
  auto bufo = world.join(lobby, {{"nick", "bufo"}});
  ada.take_all();
  ada.say({{"type", "enter"}, {"room", "lounge"}});
  CHECK(ada.take("welcome").at("room") == "lounge");
  CHECK(bufo.take("left").at("to") == "lounge");
  CHECK(ada.target() == lounge);
}

TEST_CASE("a second room of the same name does not start") {
  world world;
  world.start("chat.room", {.input = {"lobby"}});
  const auto second = world.start("chat.room", {.input = {"lobby"}, .entry = "app:second"});
  CHECK_FALSE(world.is_alive(second));
  CHECK(world.result_of(second).error ==
        "app:second: on_start: there is a room \"lobby\" already");
}
