#include "actors/pow/json_reader.hpp"

#include "actors/pow/utf8.hpp"

#include <vector>

namespace natterjack::pow {

namespace {

constexpr size_t depth_max = 9'999; // 10,000 with the object that holds the value

bool is_digit(char c) noexcept { return c >= '0' && c <= '9'; }
bool is_surrogate(unsigned code) noexcept { return code >= 0xd800 && code < 0xe000; }

} // namespace

void json_reader::skip_space() noexcept {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c != ' ' && c != '\t' && c != '\r' && c != '\n')
      return;
    ++at_;
  }
}

bool json_reader::take(char c) noexcept {
  if (at_ == text_.size() || text_[at_] != c)
    return false;
  ++at_;
  return true;
}

bool json_reader::take_word(std::string_view word) noexcept {
  if (!text_.substr(at_).starts_with(word))
    return false;
  at_ += word.size();
  return true;
}

bool json_reader::read_hex(unsigned& out) noexcept {
  if (text_.size() - at_ < 4)
    return false;
  out = 0;
  for (int i = 0; i < 4; ++i) {
    const char c = text_[at_ + i];
    const int digit = is_digit(c)              ? c - '0'
                      : c >= 'a' && c <= 'f' ? c - 'a' + 10
                      : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
    if (digit < 0)
      return false;
    out = out * 16 + static_cast<unsigned>(digit);
  }
  at_ += 4;
  return true;
}

bool json_reader::read_escape(std::string& out) {
  constexpr std::string_view names = "\"\\/bfnrt";
  constexpr std::string_view means = "\"\\/\b\f\n\r\t";
  const char c = peek();
  ++at_;
  if (const auto i = names.find(c); i != std::string_view::npos && c != '\0') {
    out += means[i];
    return true;
  }
  unsigned code = 0;
  if (c != 'u' || !read_hex(code))
    return false;
  if (!is_surrogate(code)) {
    append_code_point(out, code);
    return true;
  }
  const auto back = at_;
  unsigned low = 0;
  if (code < 0xdc00 && take_word("\\u") && read_hex(low) && low >= 0xdc00 && low < 0xe000) {
    append_code_point(out, 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00));
    return true;
  }
  at_ = back; // what follows stands for itself
  out += replacement_character;
  return true;
}

bool json_reader::read_string(std::string& out) {
  out.clear();
  if (!take('"'))
    return false;
  while (at_ < text_.size()) {
    const auto c = static_cast<unsigned char>(text_[at_]);
    if (c == '"') {
      ++at_;
      return true;
    }
    if (c < 0x20)
      return false;
    if (c == '\\') {
      ++at_;
      if (at_ == text_.size() || !read_escape(out))
        return false;
    } else if (c < 0x80) {
      out += static_cast<char>(c);
      ++at_;
    } else if (const auto length = character_at(text_, at_)) {
      out.append(text_, at_, length);
      at_ += length;
    } else {
      out += replacement_character;
      ++at_;
    }
  }
  return false;
}

bool json_reader::skip_number() noexcept {
  take('-');
  if (!take('0')) {
    if (!is_digit(peek()))
      return false;
    while (is_digit(peek()))
      ++at_;
  }
  if (take('.')) {
    if (!is_digit(peek()))
      return false;
    while (is_digit(peek()))
      ++at_;
  }
  if (take('e') || take('E')) {
    if (!take('+'))
      take('-');
    if (!is_digit(peek()))
      return false;
    while (is_digit(peek()))
      ++at_;
  }
  return true;
}

bool json_reader::skip_scalar() {
  switch (peek()) {
    case '"':
      return read_string(scratch_);
    case 't':
      return take_word("true");
    case 'f':
      return take_word("false");
    case 'n':
      return take_word("null");
    default:
      return skip_number();
  }
}

bool json_reader::skip_value() {
  std::vector<bool> in_object; // one for each level that is open
  for (;;) {
    skip_space();
    bool complete = true; // a value has just ended
    if (in_object.size() == depth_max && (peek() == '{' || peek() == '['))
      return false;
    if (take('{')) {
      in_object.push_back(true);
      skip_space();
      complete = take('}');
      if (complete)
        in_object.pop_back();
    } else if (take('[')) {
      in_object.push_back(false);
      skip_space();
      complete = take(']');
      if (complete)
        in_object.pop_back();
    } else if (!skip_scalar()) {
      return false;
    }
    while (complete) {
      if (in_object.empty())
        return true;
      skip_space();
      if (take(',')) {
        complete = false;
        skip_space();
      } else if (take(in_object.back() ? '}' : ']')) {
        in_object.pop_back();
      } else {
        return false;
      }
    }
    if (!in_object.empty() && in_object.back()) {
      if (!read_string(scratch_))
        return false;
      skip_space();
      if (!take(':'))
        return false;
    }
  }
}

} // namespace natterjack::pow
