#include "actors/pow/utf8.hpp"

#include "hub/payload.hpp"

namespace natterjack::pow {

namespace {

size_t length_of(unsigned char lead) noexcept {
  return lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

void append_repaired(std::string& out, std::string_view text) {
  for (size_t i = 0; i < text.size();) {
    if (const auto length = character_at(text, i)) {
      out.append(text, i, length);
      i += length;
    } else {
      out += replacement_character;
      ++i;
    }
  }
}

} // namespace

size_t character_at(std::string_view text, size_t at) noexcept {
  const auto length = length_of(static_cast<unsigned char>(text[at]));
  const auto part = text.substr(at, length);
  return part.size() == length && hub::is_utf8(part) ? length : 0;
}

void append_code_point(std::string& out, uint32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  const int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  const unsigned lead = more == 1 ? 0xc0 : more == 2 ? 0xe0 : 0xf0;
  out += static_cast<char>(lead | (code >> (6 * more)));
  for (int i = more - 1; i >= 0; --i)
    out += static_cast<char>(0x80 | ((code >> (6 * i)) & 0x3f));
}

size_t unfinished_tail(std::string_view text) noexcept {
  for (size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const auto c = static_cast<unsigned char>(text[text.size() - back]);
    if ((c & 0xc0) == 0x80)
      continue; // inside a character: its lead stands further left
    if (c < 0xc2 || c > 0xf4 || length_of(c) <= back)
      return 0;
    // The shortest completion is tried: E0 80 or F4 90 can never become a character.
    std::string whole(text.substr(text.size() - back));
    for (const char* fill : {"\x80", "\xbf"}) {
      auto attempt = whole;
      while (attempt.size() < length_of(c))
        attempt += fill;
      if (hub::is_utf8(attempt))
        return back;
    }
    return 0;
  }
  return 0;
}

std::string_view utf8_joiner::take(std::string_view piece) {
  if (held_.empty() && hub::is_utf8(piece))
    return piece;
  made_ = std::move(held_);
  made_ += piece;
  const auto tail = unfinished_tail(made_);
  held_ = made_.substr(made_.size() - tail);
  made_.erase(made_.size() - tail);
  if (!hub::is_utf8(made_)) {
    std::string repaired;
    append_repaired(repaired, made_);
    made_ = std::move(repaired);
  }
  return made_;
}

std::string_view utf8_joiner::finish() {
  made_.clear();
  append_repaired(made_, held_);
  held_.clear();
  return made_;
}

} // namespace natterjack::pow
