#include "relay/frame.hpp"

#include "relay/deflated_frame.hpp"

#include <caf/make_counted.hpp>

#include <array>
#include <cstring>
#include <mutex>

namespace natterjack::relay {

namespace {

class frame_attachment final : public hub::message_attachment {
 public:
  explicit frame_attachment(hub::shared_bytes frames) noexcept : frames_(std::move(frames)) {}
  const hub::shared_bytes& frames() const noexcept { return frames_; }

  // One window is kept, that of the first who asks: clients of a route nearly all agree on the same.
  template <class Make>
  hub::shared_bytes deflated(int window_bits, Make&& make) const {
    std::lock_guard guard(mutex_);
    if (window_bits_ == 0) {
      deflated_ = make(frames_.view(), window_bits);
      window_bits_ = window_bits;
    }
    return window_bits_ == window_bits ? deflated_ : make(frames_.view(), window_bits);
  }

 private:
  hub::shared_bytes frames_;
  mutable std::mutex mutex_;
  mutable hub::shared_bytes deflated_;
  mutable int window_bits_ = 0;
};

// The body of the frame that `frames` begin with, which is one of ours; takes it off them.
std::string_view take_body(std::string_view& frames) noexcept {
  const auto at = [&frames](size_t i) { return static_cast<unsigned char>(frames[i]); };
  const auto small = at(1);
  const size_t more = small == 126 ? 2 : small == 127 ? 8 : 0;
  uint64_t size = more == 0 ? small : 0;
  for (size_t i = 0; i < more; ++i)
    size = size << 8 | at(2 + i);
  const auto body = frames.substr(2 + more, size);
  frames.remove_prefix(2 + more + size);
  return body;
}

// What does not get shorter stays as it is.
hub::shared_bytes deflate_frames(std::string_view frames, int window_bits) {
  std::string all;
  while (!frames.empty()) {
    const auto* start = frames.data();
    const auto body = take_body(frames);
    if (const auto packed = encode_deflated_frame(body, window_bits); !packed.empty())
      all += packed.view();
    else
      all.append(start, frames.data());
  }
  return hub::shared_bytes(all);
}

size_t header_size(size_t body) noexcept {
  return body < 126 ? 2 : body < 65536 ? 4 : 10;
}

char* put_header(char* to, opcode op, size_t body) noexcept {
  *to++ = static_cast<char>(0x80 | static_cast<uint8_t>(op)); // FIN: the server never fragments
  if (body < 126) {
    *to++ = static_cast<char>(body);
    return to;
  }
  const int bytes = body < 65536 ? 2 : 8;
  *to++ = static_cast<char>(bytes == 2 ? 126 : 127);
  for (int i = bytes - 1; i >= 0; --i)
    *to++ = static_cast<char>(body >> (8 * i));
  return to;
}

// Bytes that may stand in a JSON string as they are.
constexpr auto plain = [] {
  std::array<bool, 256> table{};
  for (int c = 0x20; c < 256; ++c)
    table[static_cast<size_t>(c)] = c != '"' && c != '\\';
  return table;
}();

void append_escape(std::string& out, unsigned char c) {
  constexpr char digits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      out += "\\\"";
      break;
    case '\\':
      out += "\\\\";
      break;
    case '\n':
      out += "\\n";
      break;
    case '\r':
      out += "\\r";
      break;
    case '\t':
      out += "\\t";
      break;
    case '\b':
      out += "\\b";
      break;
    case '\f':
      out += "\\f";
      break;
    default:
      out += "\\u00";
      out += digits[c >> 4];
      out += digits[c & 15];
  }
}

// Where the first byte stands that a JSON string cannot hold as it is; the end if there is none.
// Eight bytes a step. Subtracting makes the high bit of a byte that was too small; a borrow may mark a
// neighbour as well, which only means a closer look.
size_t plain_prefix(std::string_view text, size_t from) noexcept {
  constexpr uint64_t ones = 0x0101010101010101ULL;
  constexpr uint64_t high = 0x8080808080808080ULL;
  const auto zero_in = [](uint64_t word) { return (word - ones) & ~word & high; };
  size_t i = from;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    const auto control = (word - ones * 0x20) & ~word & high;
    if ((control | zero_in(word ^ (ones * '"')) | zero_in(word ^ (ones * '\\'))) != 0)
      break;
  }
  while (i < text.size() && plain[static_cast<unsigned char>(text[i])])
    ++i;
  return i;
}

void append_escaped(std::string& out, std::string_view text) {
  for (size_t done = 0; done < text.size();) {
    const auto end = plain_prefix(text, done);
    out.append(text, done, end - done);
    done = end;
    for (; done < text.size() && !plain[static_cast<unsigned char>(text[done])]; ++done)
      append_escape(out, static_cast<unsigned char>(text[done]));
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  constexpr char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t block = 0;
    const auto have = std::min<size_t>(3, bytes.size() - i);
    for (size_t k = 0; k < 3; ++k)
      block = block << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    for (size_t k = 0; k < 4; ++k)
      out += k <= have ? alphabet[block >> (18 - 6 * k) & 63] : '=';
  }
}

void append_value(std::string& out, const hub::payload& value) {
  switch (value.kind()) {
    case hub::payload_kind::nil:
      out += "null";
      break;
    case hub::payload_kind::json:
      out += value.bytes();
      break;
    case hub::payload_kind::text:
      append_json_string(out, value.bytes());
      break;
    case hub::payload_kind::binary:
      out += '"';
      append_base64(out, value.bytes());
      out += '"';
      break;
  }
}

// Length of the well-formed UTF-8 sequence at `at`, or 0.
size_t sequence_at(std::string_view text, size_t at) {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  const auto part = text.substr(at, length);
  return part.size() == length && hub::is_utf8(part) ? length : 0;
}

// A topic and one value that need no escapes, as nearly all do: written to their place at once.
// @returns empty if it is not so simple
hub::shared_bytes encode_plain(const hub::message& what) {
  constexpr std::string_view before = R"({"topic":")", between = R"(","data":)";
  if (what.payloads().size() != 1)
    return {};
  const auto topic = what.topic();
  const auto& value = what.payloads().front();
  const bool is_text = value.kind() == hub::payload_kind::text;
  if (!is_text && value.kind() != hub::payload_kind::json)
    return {};
  const auto data = value.bytes();
  const auto needs_nothing = [](std::string_view text) {
    return plain_prefix(text, 0) == text.size() && hub::is_utf8(text);
  };
  if (!needs_nothing(topic) || (is_text && !needs_nothing(data)))
    return {};
  const auto body = before.size() + topic.size() + between.size() + data.size() + (is_text ? 3 : 1);
  return hub::shared_bytes::make(header_size(body) + body, [body, topic, data, is_text](char* to) {
    const auto put = [&to](std::string_view part) {
      if (!part.empty())
        std::memcpy(to, part.data(), part.size());
      to += part.size();
    };
    to = put_header(to, opcode::text, body);
    put(before);
    put(topic);
    put(between);
    if (is_text)
      *to++ = '"';
    put(data);
    if (is_text)
      *to++ = '"';
    *to = '}';
  });
}

hub::shared_bytes encode(const hub::message& what) {
  if (auto simple = encode_plain(what); !simple.empty())
    return simple;
  // One buffer a thread: bodies are built in it and copied once, behind their header.
  thread_local std::string bodies;
  thread_local std::vector<size_t> ends;
  bodies.clear();
  ends.clear();
  size_t total = 0;
  for (const auto& value : what.payloads()) {
    const auto start = bodies.size();
    bodies += R"({"topic":)";
    append_json_string(bodies, what.topic());
    bodies += R"(,"data":)";
    append_value(bodies, value);
    bodies += '}';
    ends.push_back(bodies.size());
    total += header_size(bodies.size() - start) + bodies.size() - start;
  }
  auto result = hub::shared_bytes::make(total, [](char* to) {
    size_t start = 0;
    for (auto end : ends) {
      to = put_header(to, opcode::text, end - start);
      std::memcpy(to, bodies.data() + start, end - start);
      to += end - start;
      start = end;
    }
  });
  if (bodies.capacity() > (1 << 20))
    std::string().swap(bodies); // one huge message must not stay for ever
  return result;
}

} // namespace

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  if (hub::is_utf8(text)) {
    append_escaped(out, text);
  } else {
    for (size_t i = 0; i < text.size();) {
      if (auto length = sequence_at(text, i)) {
        append_escaped(out, text.substr(i, length));
        i += length;
      } else {
        out += "\xef\xbf\xbd"; // U+FFFD
        ++i;
      }
    }
  }
  out += '"';
}

hub::shared_bytes encode_frame(opcode op, std::string_view body) {
  return hub::shared_bytes::make(header_size(body.size()) + body.size(), [op, body](char* to) {
    to = put_header(to, op, body.size());
    if (!body.empty())
      std::memcpy(to, body.data(), body.size());
  });
}

hub::shared_bytes deflated_frames_of(const hub::message_ptr& what, int window_bits) {
  const auto frames = frames_of(what);
  if (const auto* kept = static_cast<const frame_attachment*>(what->attachment()))
    return kept->deflated(window_bits, deflate_frames);
  return deflate_frames(frames.view(), window_bits);
}

hub::shared_bytes encode_close(uint16_t code, std::string_view reason) {
  std::string body{static_cast<char>(code >> 8), static_cast<char>(code & 0xff)};
  body += reason;
  return encode_frame(opcode::close, body);
}

hub::shared_bytes frames_of(const hub::message_ptr& what) {
  if (auto* kept = what->attachment())
    return static_cast<const frame_attachment*>(kept)->frames();
  auto frames = encode(*what);
  if (what->is_shared())
    what->attach(caf::make_counted<frame_attachment>(frames));
  return frames;
}

} // namespace natterjack::relay
