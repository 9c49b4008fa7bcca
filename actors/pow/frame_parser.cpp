#include "actors/pow/frame_parser.hpp"

#include "relay/websocket/frame_bytes.hpp"

#include <algorithm>
#include <cstring>

namespace natterjack::pow {

using relay::opcode;

namespace {

constexpr uint8_t continuation = 0x0;

} // namespace

void frame_parser::drop_messages() {
  if (mode_ == mode::messages)
    mode_ = mode::control;
  std::string().swap(message_);
}

void frame_parser::stop() {
  mode_ = mode::stopped;
  std::string().swap(message_);
  std::string().swap(rest_);
}

void frame_parser::take(char* bytes, size_t size) {
  if (rest_.empty()) {
    const auto done = parse(bytes, size);
    if (done < size && mode_ != mode::stopped)
      rest_.assign(bytes + done, size - done);
    return;
  }
  rest_.append(bytes, size);
  // Moved out, so that nothing the sink does can pull the bytes away.
  auto all = std::exchange(rest_, {});
  const auto done = parse(all.data(), all.size());
  if (done < all.size() && mode_ != mode::stopped) {
    all.erase(0, done);
    rest_ = std::move(all);
  }
}

// @returns bytes used; a frame that is not complete stays
size_t frame_parser::parse(char* bytes, size_t size) {
  size_t at = 0;
  while (at < size && mode_ != mode::stopped) {
    if (skip_ > 0) {
      const auto n = std::min<uint64_t>(skip_, size - at);
      skip_ -= n;
      at += n;
      continue;
    }
    frame_head head{};
    const int got = read_head(bytes + at, size - at, head);
    if (got <= 0)
      return got == 0 ? at : size;
    const bool is_unwanted = mode_ == mode::control && !relay::is_control(head.op);
    const bool is_too_long = !relay::is_control(head.op) && !is_unwanted &&
                             head.length > message_bytes_ - message_.size();
    if (is_unwanted || is_too_long) {
      at += head.size;
      skip_ = head.length;
      if (is_too_long) {
        drop_messages();
        sink_.on_mistake(1009, {});
      }
      continue;
    }
    if (size - at - head.size < head.length)
      return at;
    char* payload = bytes + at + head.size;
    const auto length = static_cast<size_t>(head.length);
    uint32_t key;
    std::memcpy(&key, head.mask, 4);
    relay::unmask(payload, length, key);
    at += head.size + length;
    on_frame(head, {payload, length});
  }
  return at;
}

int frame_parser::read_head(const char* bytes, size_t size, frame_head& head) {
  if (size < 2)
    return 0;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  const unsigned small = second & 0x7f;
  const int more = small == 126 ? 2 : small == 127 ? 8 : 0;
  head.fin = (first & 0x80) != 0;
  head.op = first & 0x0f;
  head.length = small;
  const bool masked = (second & 0x80) != 0;
  if (const auto what = mistakes(head, masked, first & 0x70); !what.empty()) {
    stop();
    sink_.on_mistake(1002, what);
    return -1;
  }
  head.size = 2 + static_cast<size_t>(more) + 4;
  if (size < head.size)
    return 0;
  if (more > 0)
    head.length = relay::big_endian(bytes + 2, more);
  head.mask = bytes + 2 + more;
  return 1;
}

// RFC 6455 5.2, 5.4, 5.5: what makes a frame head illegal, or nothing.
std::string frame_parser::mistakes(const frame_head& head, bool masked, unsigned reserved) const {
  std::string found;
  auto add = [&found](std::string_view what) {
    found.append(found.empty() ? "" : ", ").append(what);
  };
  for (int bit = 1; bit <= 3; ++bit)
    if ((reserved & (0x80U >> bit)) != 0)
      add("RSV" + std::to_string(bit) + " set");
  const bool counts = mode_ == mode::messages;
  const bool in_message = message_op_ != no_message;
  switch (head.op) {
    case continuation:
      if (counts && !in_message)
        add("continuation after FIN");
      break;
    case static_cast<uint8_t>(opcode::text):
    case static_cast<uint8_t>(opcode::binary):
      if (counts && in_message)
        add("data before FIN");
      break;
    case static_cast<uint8_t>(opcode::close):
    case static_cast<uint8_t>(opcode::ping):
    case static_cast<uint8_t>(opcode::pong):
      if (head.length > 125)
        add("len > 125 for control");
      if (!head.fin)
        add("FIN not set on control");
      break;
    default:
      add("bad opcode " + std::to_string(head.op));
  }
  if (!masked)
    add("bad MASK");
  return found;
}

void frame_parser::on_frame(const frame_head& head, std::string_view payload) {
  if (relay::is_control(head.op)) {
    sink_.on_control(static_cast<opcode>(head.op), payload);
    return;
  }
  if (head.op != continuation)
    message_op_ = head.op;
  if (!head.fin) {
    message_ += payload;
    return;
  }
  const auto op = static_cast<opcode>(std::exchange(message_op_, no_message));
  if (message_.empty()) {
    sink_.on_message(op, payload);
    return;
  }
  message_ += payload;
  const auto whole = std::exchange(message_, {});
  sink_.on_message(op, whole);
}

} // namespace natterjack::pow
