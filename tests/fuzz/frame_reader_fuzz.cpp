// What a client sends, whatever it is: the frame reader must hear the same whether bytes come at once, in
// pieces, or with a pause after each message, and hear nothing behind an end.
//
//   input    first byte: size of the pieces and the message limit; the rest is read
//   aborts   with a sentence on stderr when a promise is broken
//
// Built with libFuzzer (preset `fuzz`), and with replay.cpp for ctest.
#include "relay/websocket/frame_reader.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

using namespace natterjack::relay;

namespace {

[[noreturn]] void broken(const char* promise) {
  std::fprintf(stderr, "frame_reader: %s\n", promise);
  std::abort();
}

struct transcript final : frame_sink {
  std::vector<std::string> lines;
  size_t limit = 0;
  bool pauses = false;
  bool ended = false;
  bool paused = false;

  void hear(std::string line) {
    if (ended)
      broken("something was heard behind a close frame or an illegal one");
    if (paused)
      broken("something was heard during a pause");
    lines.push_back(std::move(line));
  }
  bool on_message(bool is_text, std::string_view body) override {
    if (body.size() > limit)
      broken("a message over the limit was heard");
    hear((is_text ? "text " : "binary ") + std::string(body));
    paused = pauses;
    return !pauses;
  }
  void on_ping(std::string_view body) override { hear("ping " + std::string(body)); }
  void on_pong() override { hear("pong"); }
  void on_close_frame(uint16_t code, std::string_view reason) override {
    hear("close " + std::to_string(code) + " " + std::string(reason));
    ended = true;
  }
  void on_mistake(uint16_t code, std::string_view) override {
    hear("mistake " + std::to_string(code));
    ended = code == 1002;
  }
};

std::vector<std::string> read(const std::string& bytes, size_t step, size_t limit, bool pauses) {
  transcript heard;
  heard.limit = limit;
  heard.pauses = pauses;
  frame_reader reader(limit);
  for (size_t at = 0; at < bytes.size(); at += step) {
    std::string piece = bytes.substr(at, step);
    piece.shrink_to_fit(); // so that reading beyond its end is seen
    reader.take(piece.data(), piece.size(), heard);
    while (heard.paused) {
      heard.paused = false;
      reader.go_on(heard);
    }
  }
  return heard.lines;
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0)
    return 0;
  const std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t step = 1 + data[0] % 16;
  const size_t limit = size_t{16} << (data[0] / 16);
  const auto whole = read(bytes, std::max<size_t>(bytes.size(), 1), limit, false);
  if (read(bytes, step, limit, false) != whole)
    broken("pieces are read differently from the whole");
  if (read(bytes, std::max<size_t>(bytes.size(), 1), limit, true) != whole)
    broken("with pauses the same bytes are read differently");
  return 0;
}
