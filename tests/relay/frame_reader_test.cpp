#include "relay/websocket/frame_reader.hpp"

#include "tests/catch.hpp"

#include <zlib.h>

#include <random>
#include <string>
#include <vector>

using namespace natterjack::relay;

namespace {

struct transcript final : frame_sink {
  std::vector<std::string> lines;
  size_t pause_after = SIZE_MAX;
  bool on_message(bool is_text, std::string_view body) override {
    lines.push_back((is_text ? "text " : "binary ") + std::string(body));
    return --pause_after > 0;
  }
  void on_ping(std::string_view body) override { lines.push_back("ping " + std::string(body)); }
  void on_pong() override { lines.emplace_back("pong"); }
  void on_close_frame(uint16_t code, std::string_view reason) override {
    lines.push_back("close " + std::to_string(code) + " " + std::string(reason));
  }
  void on_mistake(uint16_t code, std::string_view) override {
    lines.push_back("mistake " + std::to_string(code));
  }
};

std::string frame(unsigned first, std::string_view body, std::string_view key = "k3y!") {
  std::string out{static_cast<char>(first)};
  if (body.size() < 126) {
    out += static_cast<char>(0x80 | body.size());
  } else {
    out += static_cast<char>(0x80 | 126);
    out += static_cast<char>(body.size() >> 8);
    out += static_cast<char>(body.size() & 0xff);
  }
  out += key;
  for (size_t i = 0; i < body.size(); ++i)
    out += static_cast<char>(body[i] ^ key[i % 4]);
  return out;
}

std::vector<std::string> read(std::string bytes, size_t step, size_t message_bytes = 1 << 16,
                              bool compressed = false) {
  transcript heard;
  frame_reader reader(message_bytes);
  if (compressed)
    reader.allow_compressed();
  for (size_t at = 0; at < bytes.size(); at += step) {
    auto piece = bytes.substr(at, step);
    reader.take(piece.data(), piece.size(), heard);
  }
  return heard.lines;
}

// As RFC 7692 7.2.1 has it.
std::string deflated(std::string_view body) {
  z_stream z{};
  REQUIRE(::deflateInit2(&z, 6, Z_DEFLATED, -15, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(body.size() + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(body.data()));
  z.avail_in = static_cast<uInt>(body.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(::deflate(&z, Z_SYNC_FLUSH) == Z_OK);
  out.resize(z.total_out - 4);
  ::deflateEnd(&z);
  return out;
}

} // namespace

SCENARIO("what is read does not depend on how the bytes arrive", "[relay][frame_reader]") {
  const auto bytes = frame(0x81, "whole") + frame(0x01, "one, ") + frame(0x89, "now") +
                     frame(0x00, "") + frame(0x80, "two") + frame(0x82, std::string(300, 'b')) +
                     frame(0x8a, "") + frame(0x81, "") + frame(0x88, "\x03\xe8" "bye");
  const std::vector<std::string> expected{
      "text whole", "ping now", "text one, two", "binary " + std::string(300, 'b'),
      "pong",       "text ",    "close 1000 bye"};
  for (size_t step : {1, 2, 3, 5, 7, 11, 13, 100, 10'000}) {
    CAPTURE(step);
    CHECK(read(bytes, step) == expected);
  }
}

SCENARIO("a pause keeps what follows until the reader goes on", "[relay][frame_reader]") {
  transcript heard;
  frame_reader reader(1 << 16);
  auto bytes = frame(0x81, "a") + frame(0x81, "b") + frame(0x01, "c") + frame(0x80, "d");
  heard.pause_after = 1;
  reader.take(bytes.data(), bytes.size(), heard);
  CHECK(heard.lines == std::vector<std::string>{"text a"});
  heard.pause_after = 1;
  reader.go_on(heard);
  CHECK(heard.lines == std::vector<std::string>{"text a", "text b"});
  auto more = frame(0x81, "e");
  heard.pause_after = 2;
  reader.take(more.data(), more.size(), heard);
  CHECK(heard.lines == std::vector<std::string>{"text a", "text b", "text cd", "text e"});
}

SCENARIO("control frames go on after a message that is too long", "[relay][frame_reader]") {
  const auto bytes = frame(0x81, std::string(101, 'x')) + frame(0x89, "?") + frame(0x81, "y") +
                     frame(0x88, "\x03\xf1");
  for (size_t step : {1, 50, 10'000})
    CHECK(read(bytes, step, 100) ==
          std::vector<std::string>{"mistake 1009", "ping ?", "close 1009 "});
}

SCENARIO("the limit counts the fragments of a message together", "[relay][frame_reader]") {
  const auto bytes = frame(0x01, std::string(60, 'x')) + frame(0x00, std::string(41, 'x'));
  CHECK(read(bytes, 7, 100) == std::vector<std::string>{"mistake 1009"});
  const auto fits = frame(0x01, std::string(60, 'x')) + frame(0x80, std::string(40, 'x'));
  CHECK(read(fits, 7, 100) == std::vector<std::string>{"text " + std::string(100, 'x')});
}

SCENARIO("nothing is heard after an illegal frame or a close frame", "[relay][frame_reader]") {
  CHECK(read(frame(0x83, "") + frame(0x81, "x"), 10'000) ==
        std::vector<std::string>{"mistake 1002"});
  CHECK(read(frame(0x88, "") + frame(0x81, "x") + frame(0x83, ""), 10'000) ==
        std::vector<std::string>{"close 1005 "});
}

SCENARIO("any bytes whatever are read without harm, in pieces as at once", "[relay][frame_reader]") {
  std::mt19937 random(20260131);
  for (int round = 0; round < 3'000; ++round) {
    std::string bytes;
    while (bytes.size() < 200) {
      if (random() % 3 == 0) {
        for (int i = 0; i < 8; ++i)
          bytes += static_cast<char>(random());
      } else {
        constexpr unsigned firsts[] = {0x81, 0x01, 0x00, 0x80, 0x82, 0x89, 0x8a, 0x88};
        std::string body(random() % 40, 'x');
        if (random() % 4 == 0)
          body += static_cast<char>(random());
        bytes += frame(firsts[random() % 8], body);
      }
    }
    const auto at_once = read(bytes, bytes.size(), 64);
    const auto in_pieces = read(bytes, 1 + random() % 9, 64);
    CAPTURE(round);
    // Text that is cut short may fail before it is complete: what came before it is the same.
    REQUIRE(at_once == in_pieces);
  }
}

SCENARIO("a compressed message is inflated when it is whole", "[relay][frame_reader][deflate]") {
  const std::string long_text(300, 'a');
  const auto packed = deflated(long_text);
  REQUIRE(packed.size() > 4);
  const auto bytes = frame(0xc1, packed) + frame(0x41, packed.substr(0, 2)) + frame(0x89, "now") +
                     frame(0x80, packed.substr(2)) + frame(0x81, "plain") + frame(0xc2, deflated(""));
  const std::vector<std::string> expected{"text " + long_text, "ping now", "text " + long_text,
                                          "text plain", "binary "};
  for (size_t step : {1, 2, 3, 5, 7, 10'000}) {
    CAPTURE(step);
    CHECK(read(bytes, step, 300, true) == expected);
    CHECK(read(frame(0xc1, packed), step, 299, true) == std::vector<std::string>{"mistake 1009"});
    CHECK(read(frame(0xc1, packed), step, 300, false) == std::vector<std::string>{"mistake 1002"});
    CHECK(read(frame(0xc1, packed.substr(0, packed.size() - 2)), step, 300, true) ==
          std::vector<std::string>{"mistake 1002"});
    CHECK(read(frame(0xc1, deflated("\xff")), step, 300, true) ==
          std::vector<std::string>{"mistake 1007"});
    CHECK(read(frame(0x01, "a") + frame(0xc0, "b"), step, 300, true) ==
          std::vector<std::string>{"mistake 1002"});
  }
}

SCENARIO("any compressed bytes are read without harm", "[relay][frame_reader][deflate]") {
  std::mt19937 random(20260202);
  for (int round = 0; round < 3'000; ++round) {
    std::string body;
    for (size_t n = random() % 200; n > 0; --n)
      body += static_cast<char>(random() % 8 == 0 ? random() : 'x');
    auto packed = deflated(body);
    for (size_t n = random() % 3; n > 0 && !packed.empty(); --n)
      packed[random() % packed.size()] = static_cast<char>(random());
    const auto cut = random() % (packed.size() + 1);
    const auto bytes = frame(0x42, packed.substr(0, cut)) + frame(0x80, packed.substr(cut)) +
                       frame(0xc1, packed) + frame(0x89, "?");
    CAPTURE(round);
    REQUIRE(read(bytes, bytes.size(), 100, true) == read(bytes, 1 + random() % 9, 100, true));
  }
}
