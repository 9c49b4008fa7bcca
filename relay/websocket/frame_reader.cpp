#include "relay/websocket/frame_reader.hpp"

#include "hub/payload.hpp"
#include "relay/frame.hpp"
#include "relay/websocket/frame_bytes.hpp"
#include "relay/websocket/inflate.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

namespace natterjack::relay {

namespace {

constexpr uint8_t continuation = 0x0;
constexpr uint8_t text = static_cast<uint8_t>(opcode::text);
constexpr uint8_t binary = static_cast<uint8_t>(opcode::binary);
constexpr size_t control_bytes_max = 125;

// The mask for bytes that begin `n` later.
uint32_t rotated(uint32_t key, size_t n) noexcept {
  static_assert(std::endian::native == std::endian::little);
  return std::rotr(key, static_cast<int>(8 * (n & 3)));
}

// RFC 6455 7.4 and the codes registered since.
bool may_be_sent(uint16_t code) noexcept {
  if (code >= 3000)
    return code < 5000;
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014);
}

// Whether a cut-off character at the end of text may still become one (Unicode, table 3-7).
bool may_become_character(std::string_view tail) noexcept {
  const auto at = [tail](size_t i) { return static_cast<unsigned char>(tail[i]); };
  const auto lead = at(0);
  const size_t length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  if (lead < 0xc2 || lead > 0xf4 || tail.size() >= length)
    return false;
  if (tail.size() > 1) {
    const unsigned char low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    const unsigned char high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at(1) < low || at(1) > high)
      return false;
  }
  return tail.size() < 3 || (at(2) & 0xc0) == 0x80;
}

// Where the last character begins if it is cut off, else the end.
size_t last_boundary(std::string_view bytes) noexcept {
  for (size_t back = 1; back <= std::min<size_t>(3, bytes.size()); ++back) {
    const auto byte = static_cast<unsigned char>(bytes[bytes.size() - back]);
    if ((byte & 0xc0) == 0x80)
      continue;
    const size_t length = byte < 0xc0 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
    return length > back ? bytes.size() - back : bytes.size();
  }
  return bytes.size();
}

} // namespace

frame_reader::assembly& frame_reader::parts() {
  if (!parts_)
    parts_ = std::make_unique<assembly>();
  return *parts_;
}

frame_reader::frame_reader(size_t message_bytes) noexcept : message_bytes_(message_bytes) {}

frame_reader::~frame_reader() = default;

void frame_reader::allow_compressed(int window_bits) {
  may_be_packed_ = true;
  if (window_bits != 0)
    history_ = std::make_unique<inflate_history>(inflate_history{size_t{1} << window_bits, {}});
}

void frame_reader::keep(std::string_view bytes) {
  if (!bytes.empty())
    parts().rest.append(bytes);
}

void frame_reader::take(char* bytes, size_t size, frame_sink& sink) {
  if (mode_ == mode::none)
    return;
  size_t used = 0;
  if (parts_ && !parts_->rest.empty()) {
    // Moved out, so that nothing the sink does can pull the bytes away.
    auto all = std::exchange(parts_->rest, {});
    all.append(bytes, size);
    parse(all.data(), all.size(), used, sink);
    if (used < all.size() && mode_ != mode::none) {
      all.erase(0, used);
      parts().rest = std::move(all);
    }
  } else if (size > 0) {
    parse(bytes, size, used, sink);
    if (used < size && mode_ != mode::none)
      parts().rest.assign(bytes + used, size - used);
  }
  if (parts_ && (mode_ == mode::none || parts_->is_idle()))
    parts_.reset();
}

// Frame by frame, until bytes run out or the sink has had enough.
frame_reader::outcome frame_reader::parse(char* bytes, size_t size, size_t& used,
                                          frame_sink& sink) {
  auto result = outcome::next;
  while (used < size && result == outcome::next) {
    size_t n = 0;
    result = parts_ && parts_->left > 0 ? continue_frame(bytes + used, size - used, n, sink)
                                        : read_frame(bytes + used, size - used, n, sink);
    used += n;
  }
  return result;
}

frame_reader::outcome frame_reader::read_frame(char* bytes, size_t size, size_t& used,
                                               frame_sink& sink) {
  head h{};
  if (const auto got = read_head(bytes, size, h, sink); got != outcome::next)
    return got;
  const bool is_whole = size - h.size >= h.length;
  if (is_control(h.op)) {
    if (!is_whole)
      return outcome::incomplete;
    const auto length = static_cast<size_t>(h.length);
    used = h.size + length;
    unmask(bytes + h.size, length, h.mask);
    return control(h, {bytes + h.size, length}, sink);
  }
  used = h.size;
  if (is_whole && h.fin && !in_message() && mode_ == mode::all) {
    const auto length = static_cast<size_t>(h.length);
    used += length;
    unmask(bytes + h.size, length, h.mask);
    const std::string_view body(bytes + h.size, length);
    if (h.packed)
      return inflate_and_deliver(h.op, body, sink);
    if (h.op == text && !hub::is_utf8(body))
      return mistake(1007, "text is not UTF-8", mode::control, sink);
    return deliver(h.op, body, sink);
  }
  auto& p = parts();
  if (h.op != continuation) {
    p.op = h.op;
    p.packed = h.packed;
    p.checked = 0;
  }
  p.left = h.length;
  p.mask = h.mask;
  p.fin = h.fin;
  p.is_dropped = mode_ != mode::all;
  size_t more = 0;
  const auto result = p.left == 0 ? end_of_frame(sink)
                      : size > h.size
                          ? continue_frame(bytes + h.size, size - h.size, more, sink)
                          : outcome::next;
  used += more;
  return result;
}

// RFC 6455 5.2, 5.4, 5.5: what makes a head illegal is found as soon as it is there.
frame_reader::outcome frame_reader::read_head(const char* bytes, size_t size, head& h,
                                              frame_sink& sink) {
  if (size < 2)
    return outcome::incomplete;
  const auto first = static_cast<unsigned char>(bytes[0]);
  const auto second = static_cast<unsigned char>(bytes[1]);
  h.fin = (first & 0x80) != 0;
  h.op = first & 0x0f;
  const unsigned small = second & 0x7f;
  h.packed = (first & 0x40) != 0;
  // RFC 7692 6: the bit stands in the first frame of a message, for all of it.
  const bool may_be_packed = may_be_packed_ && !is_control(h.op) && h.op != continuation;
  if ((first & 0x30) != 0 || (h.packed && !may_be_packed))
    return mistake(1002, "reserved bits are set", mode::none, sink);
  if ((second & 0x80) == 0)
    return mistake(1002, "frame is not masked", mode::none, sink);
  if (is_control(h.op)) {
    if (h.op > static_cast<uint8_t>(opcode::pong))
      return mistake(1002, "unknown opcode " + std::to_string(h.op), mode::none, sink);
    if (!h.fin)
      return mistake(1002, "control frame is fragmented", mode::none, sink);
    if (small > control_bytes_max)
      return mistake(1002, "control frame exceeds 125 bytes", mode::none, sink);
  } else if (h.op > binary) {
    return mistake(1002, "unknown opcode " + std::to_string(h.op), mode::none, sink);
  } else if (h.op == continuation && !in_message()) {
    return mistake(1002, "continuation without a first frame", mode::none, sink);
  } else if (h.op != continuation && in_message()) {
    return mistake(1002, "new message inside another", mode::none, sink);
  }
  const int more = small == 126 ? 2 : small == 127 ? 8 : 0;
  h.size = static_cast<uint8_t>(2 + more + 4);
  if (size < h.size)
    return outcome::incomplete;
  h.length = more == 0 ? small : big_endian(bytes + 2, more);
  if ((more == 2 && h.length < 126) || (more == 8 && h.length < 65536))
    return mistake(1002, "length is not in its shortest form", mode::none, sink);
  if (h.length >> 63 != 0)
    return mistake(1002, "length has its highest bit set", mode::none, sink);
  std::memcpy(&h.mask, bytes + 2 + more, 4);
  if (mode_ == mode::all && !is_control(h.op)) {
    const auto before = parts_ ? parts_->message.size() : 0;
    const auto room = room_for(in_message() ? parts_->packed : h.packed);
    if (h.length > room - std::min(before, room))
      return mistake(1009, "message exceeds " + std::to_string(message_bytes_) + " bytes",
                     mode::control, sink);
  }
  return outcome::next;
}

// More payload of a frame whose head has been read.
frame_reader::outcome frame_reader::continue_frame(char* bytes, size_t size, size_t& used,
                                                   frame_sink& sink) {
  auto& p = *parts_;
  const auto n = static_cast<size_t>(std::min<uint64_t>(p.left, size));
  used = n;
  p.left -= n;
  if (!p.is_dropped && mode_ == mode::all) {
    unmask(bytes, n, p.mask);
    p.mask = rotated(p.mask, n);
    p.message.append(bytes, n); // grows with what has come, not with what is announced
    if (p.op == text && !p.packed && !check_text(p.left == 0 && p.fin))
      mistake(1007, "text is not UTF-8", mode::control, sink);
  }
  if (mode_ == mode::none)
    return outcome::stop;
  return p.left == 0 ? end_of_frame(sink) : outcome::next;
}

frame_reader::outcome frame_reader::end_of_frame(frame_sink& sink) {
  auto& p = *parts_;
  if (!p.fin)
    return outcome::next;
  const auto op = std::exchange(p.op, uint8_t{0});
  const auto whole = std::exchange(p.message, {});
  if (p.is_dropped || mode_ != mode::all)
    return outcome::next;
  if (p.packed)
    return inflate_and_deliver(op, whole, sink);
  if (op == text && p.checked < whole.size())
    return mistake(1007, "text is not UTF-8", mode::control, sink); // ended inside a character
  return deliver(op, whole, sink);
}

bool frame_reader::check_text(bool is_last) {
  auto& p = *parts_;
  const auto unchecked = std::string_view(p.message).substr(p.checked);
  const auto end = is_last ? unchecked.size() : last_boundary(unchecked);
  if (!hub::is_utf8(unchecked.substr(0, end)))
    return false;
  p.checked += end;
  const auto tail = unchecked.substr(end);
  return tail.empty() || may_become_character(tail);
}

frame_reader::outcome frame_reader::control(const head& h, std::string_view payload,
                                            frame_sink& sink) {
  switch (static_cast<opcode>(h.op)) {
    case opcode::ping:
      sink.on_ping(payload);
      break;
    case opcode::pong:
      sink.on_pong();
      break;
    default:
      return close_frame(payload, sink);
  }
  return mode_ == mode::none ? outcome::stop : outcome::next;
}

frame_reader::outcome frame_reader::close_frame(std::string_view payload, frame_sink& sink) {
  if (payload.size() == 1)
    return mistake(1002, "close frame of one byte", mode::none, sink);
  uint16_t code = 1005;
  std::string_view reason;
  if (!payload.empty()) {
    code = static_cast<uint16_t>(big_endian(payload.data(), 2));
    reason = payload.substr(2);
    if (!may_be_sent(code))
      return mistake(1002, "close code " + std::to_string(code) + " may not be sent", mode::none, sink);
    if (!hub::is_utf8(reason))
      return mistake(1007, "close reason is not UTF-8", mode::none, sink);
  }
  mode_ = mode::none; // RFC 6455 5.5.1: nothing follows a close frame
  sink.on_close_frame(code, reason);
  return outcome::stop;
}

frame_reader::outcome frame_reader::deliver(uint8_t op, std::string_view body, frame_sink& sink) {
  const bool more = sink.on_message(op == text, body);
  return mode_ == mode::none ? outcome::stop : more || mode_ == mode::control ? outcome::next
                                                                              : outcome::pause;
}

// What does not get shorter may be a few bytes longer than it was: five for each block of 64 KiB.
size_t frame_reader::room_for(bool packed) const noexcept {
  return packed ? message_bytes_ + message_bytes_ / 1024 + 64 : message_bytes_;
}

frame_reader::outcome frame_reader::inflate_and_deliver(uint8_t op, std::string_view packed,
                                                        frame_sink& sink) {
  std::string_view body;
  switch (inflate_message(packed, message_bytes_, body, history_.get())) {
    case inflated::broken:
      return mistake(1002, "compressed data is broken", mode::none, sink);
    case inflated::too_big:
      return mistake(1009, "message exceeds " + std::to_string(message_bytes_) + " bytes",
                     mode::control, sink);
    case inflated::whole:
      break;
  }
  if (op == text && !hub::is_utf8(body))
    return mistake(1007, "text is not UTF-8", mode::control, sink);
  return deliver(op, body, sink);
}

// @param after  what is still of interest: frames can be told apart unless their heads are wrong
frame_reader::outcome frame_reader::mistake(uint16_t code, std::string_view what, mode after,
                                            frame_sink& sink) {
  mode_ = after;
  if (parts_)
    std::string().swap(parts_->message);
  sink.on_mistake(code, what);
  return mode_ == mode::none ? outcome::stop : outcome::next;
}

} // namespace natterjack::relay
