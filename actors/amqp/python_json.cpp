#include "actors/amqp/python_json.hpp"

#include "actors/amqp/json_bytes.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <random>
#include <unordered_map>

namespace natterjack::amqp {

namespace {

constexpr auto plain_byte = [] {
  std::array<bool, 256> table{};
  for (size_t c = 0x20; c < 0x7f; ++c)
    table[c] = c != '"' && c != '\\';
  return table;
}();

void append_unit(std::string& out, uint32_t unit) {
  constexpr char digits[] = "0123456789abcdef";
  const char text[] = {'\\', 'u', digits[unit >> 12 & 15], digits[unit >> 8 & 15],
                       digits[unit >> 4 & 15], digits[unit & 15]};
  out.append(text, sizeof text);
}

void append_code(std::string& out, uint32_t code) {
  if (code < 0x80 && plain_byte[code]) {
    out += static_cast<char>(code);
    return;
  }
  switch (code) {
    case '"':
      out += "\\\"";
      return;
    case '\\':
      out += "\\\\";
      return;
    case '\n':
      out += "\\n";
      return;
    case '\r':
      out += "\\r";
      return;
    case '\t':
      out += "\\t";
      return;
    case '\b':
      out += "\\b";
      return;
    case '\f':
      out += "\\f";
      return;
    default:
      break;
  }
  if (code >= 0x10000) {
    append_unit(out, 0xd800 + ((code - 0x10000) >> 10));
    append_unit(out, 0xdc00 + (code & 0x3ff));
  } else {
    append_unit(out, code);
  }
}

// One code point of UTF-8 with surrogates allowed. @returns its length, 0 for broken bytes
size_t read_code(std::string_view text, size_t at, uint32_t& code) noexcept {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3
                        : lead < 0xf5 ? 4 : 0;
  if (length == 0 || at + length > text.size())
    return 0;
  code = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + i]);
    if ((byte & 0xc0) != 0x80)
      return 0;
    code = code << 6 | (byte & 0x3fU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  return overlong || code > 0x10ffff ? 0 : length;
}

uint32_t read_hex(std::string_view digits) noexcept {
  uint32_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  return value;
}

// What one escape stands for; `at` moves behind it. Two surrogates in escapes are one code point.
uint32_t read_escape(std::string_view inside, size_t& at) noexcept {
  const char what = inside[at + 1];
  if (what != 'u') {
    at += 2;
    switch (what) {
      case 'b':
        return '\b';
      case 'f':
        return '\f';
      case 'n':
        return '\n';
      case 'r':
        return '\r';
      case 't':
        return '\t';
      default:
        return static_cast<unsigned char>(what);
    }
  }
  auto code = read_hex(inside.substr(at + 2, 4));
  at += 6;
  if (code >= 0xd800 && code < 0xdc00 && inside.substr(at, 2) == "\\u") {
    const auto low = read_hex(inside.substr(at + 2, 4));
    if (low >= 0xdc00 && low < 0xe000) {
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
  }
  return code;
}

// Calls `take(code)` for each code point of a scanned string's inside.
template <class Take>
void for_each_code(std::string_view inside, Take&& take) {
  for (size_t at = 0; at < inside.size();) {
    uint32_t code = 0;
    if (inside[at] == '\\') {
      code = read_escape(inside, at);
    } else if (const auto length = read_code(inside, at, code)) {
      at += length;
    } else {
      code = 0xfffd;
      ++at;
    }
    take(code);
  }
}

uint64_t hash_of(std::string_view key) noexcept {
  // Seeded: keys come from outside and must not be made to meet.
  static const uint64_t seed = std::random_device{}() * 0x9e3779b97f4a7c15ULL + std::random_device{}();
  uint64_t h = seed;
  for (const char c : key) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    h ^= h >> 29;
  }
  return h;
}

// Writes what the scanner reads. An object with duplicate keys is put together again at its end: until
// then the new values stand behind the old ones.
class writer {
 public:
  writer(std::string& out, const transcode_options& options)
      : out_(out), start_(out.size()), options_(options) {}

  bool on_null() { return value([this] { out_ += "null"; }); }
  bool on_bool(bool b) { return value([this, b] { out_ += b ? "true" : "false"; }); }
  bool on_constant(json_constant what) {
    return value([this, what] {
      const bool exact = options_.numbers == number_style::exact;
      out_ += !exact                          ? "null"
              : what == json_constant::nan      ? "NaN"
              : what == json_constant::infinity ? "Infinity"
                                                : "-Infinity";
    });
  }
  bool on_number(std::string_view text, bool is_integer) {
    return value([this, text, is_integer] {
      append_python_number(out_, text, is_integer, options_.numbers);
    });
  }
  bool on_string(std::string_view inside, bool is_plain) {
    return value([this, inside, is_plain] { append_python_string(out_, inside, is_plain); });
  }

  bool begin_array() { return open('[', false); }
  bool begin_object() { return open('{', true); }
  bool end_array() {
    levels_.pop_back();
    out_ += ']';
    return is_short();
  }

  bool on_key(std::string_view inside, bool is_plain) {
    auto& l = levels_.back();
    end_value(l);
    if (!std::exchange(l.is_empty, false))
      out_ += ", ";
    const auto key_at = out_.size();
    append_python_string(out_, inside, is_plain);
    const auto key_end = out_.size();
    out_ += ": ";
    add_member(l, key_at, key_end);
    return is_short();
  }

  bool end_object() {
    auto& l = levels_.back();
    end_value(l);
    if (l.has_duplicates)
      rebuild(l);
    if (levels_.size() == 1 && options_.top_keys != nullptr)
      for (size_t i = l.first_member; i < members_.size(); ++i)
        options_.top_keys->push_back(unescape_json(std::string_view(out_).substr(
            members_[i].key_at + 1, members_[i].key_end - members_[i].key_at - 2)));
    members_.resize(l.first_member);
    levels_.pop_back();
    out_ += '}';
    return is_short();
  }

 private:
  static constexpr size_t none = static_cast<size_t>(-1);
  static constexpr size_t searched_members_max = 12; // beyond, an index is quicker

  struct member {
    size_t key_at, key_end, value_at, value_end;
    uint64_t hash;
    size_t same_hash; // an earlier member in the index's chain
  };
  struct level {
    bool is_object = false;
    bool is_empty = true;
    bool has_duplicates = false;
    size_t inside_at = 0;    // behind the bracket
    size_t first_member = 0; // in members_
    size_t open_member = none; // whose value is being written
    std::unordered_map<uint64_t, size_t> index;
  };

  template <class Put>
  bool value(Put&& put) {
    begin_element();
    put();
    return is_short();
  }

  void begin_element() {
    if (levels_.empty() || levels_.back().is_object)
      return;
    if (!std::exchange(levels_.back().is_empty, false))
      out_ += ", ";
  }

  bool open(char bracket, bool is_object) {
    begin_element();
    out_ += bracket;
    auto& l = levels_.emplace_back();
    l.is_object = is_object;
    l.inside_at = out_.size();
    l.first_member = members_.size();
    return is_short();
  }

  bool is_short() const noexcept { return out_.size() - start_ <= options_.bytes_max; }

  void end_value(level& l) noexcept {
    if (l.open_member != none)
      members_[l.open_member].value_end = out_.size();
    l.open_member = none;
  }

  std::string_view key_of(const member& m) const noexcept {
    return std::string_view(out_).substr(m.key_at, m.key_end - m.key_at);
  }

  void add_member(level& l, size_t key_at, size_t key_end) {
    member made{key_at, key_end, out_.size(), out_.size(), 0, none};
    const auto key = key_of(made);
    const auto count = members_.size() - l.first_member;
    size_t known = none;
    if (count < searched_members_max) {
      for (size_t i = l.first_member; i < members_.size() && known == none; ++i)
        if (key_of(members_[i]) == key)
          known = i;
    } else {
      if (l.index.empty())
        for (size_t i = l.first_member; i < members_.size(); ++i)
          enter(l, i, hash_of(key_of(members_[i])));
      made.hash = hash_of(key);
      auto i = l.index.find(made.hash);
      for (size_t at = i == l.index.end() ? none : i->second; at != none; at = members_[at].same_hash)
        if (key_of(members_[at]) == key)
          known = at;
    }
    if (known != none) {
      l.has_duplicates = true;
      members_[known].value_at = made.value_at;
      l.open_member = known;
      return;
    }
    members_.push_back(made);
    l.open_member = members_.size() - 1;
    if (!l.index.empty())
      enter(l, l.open_member, made.hash);
  }

  void enter(level& l, size_t number, uint64_t hash) {
    members_[number].hash = hash;
    auto [i, is_new] = l.index.try_emplace(hash, number);
    members_[number].same_hash = is_new ? none : i->second;
    i->second = number;
  }

  void rebuild(const level& l) {
    std::string inside;
    for (size_t i = l.first_member; i < members_.size(); ++i) {
      auto& m = members_[i];
      if (i != l.first_member)
        inside += ", ";
      const auto key_at = l.inside_at + inside.size();
      inside += key_of(m);
      inside += ": ";
      inside.append(out_, m.value_at, m.value_end - m.value_at);
      m.key_end = key_at + (m.key_end - m.key_at); // still asked for by top_keys
      rebuilt_.push_back(key_at);
    }
    out_.resize(l.inside_at);
    out_ += inside;
    for (size_t i = l.first_member; i < members_.size(); ++i)
      members_[i].key_at = rebuilt_[i - l.first_member];
    rebuilt_.clear();
  }

  std::string& out_;
  size_t start_;
  const transcode_options& options_;
  std::vector<level> levels_;
  std::vector<member> members_;
  std::vector<size_t> rebuilt_;
};

} // namespace

json_error transcode_json(std::string_view text, std::string& out,
                          const transcode_options& options) {
  const auto start = out.size();
  writer sink(out, options);
  auto error = scan_json(text, sink, options.depth_max);
  if (error)
    out.resize(start);
  return error;
}

void append_python_text(std::string& out, std::string_view text) {
  out += '"';
  for (size_t at = 0; at < text.size();) {
    auto end = at;
    while (end < text.size() && plain_byte[static_cast<unsigned char>(text[end])])
      ++end;
    out.append(text, at, end - at);
    at = end;
    if (at == text.size())
      break;
    uint32_t code = 0xfffd;
    const auto length = read_code(text, at, code);
    append_code(out, length == 0 ? 0xfffd : code);
    at += length == 0 ? 1 : length;
  }
  out += '"';
}

void append_python_string(std::string& out, std::string_view inside, bool is_plain) {
  out += '"';
  if (is_plain)
    out += inside;
  else
    for_each_code(inside, [&out](uint32_t code) { append_code(out, code); });
  out += '"';
}

std::string unescape_json(std::string_view inside) {
  std::string result;
  result.reserve(inside.size());
  for_each_code(inside, [&result](uint32_t code) { append_utf8(result, code); });
  return result;
}

double read_double(std::string_view number) noexcept {
  double value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value);
  if (read.ec == std::errc::result_out_of_range) // too big or too small, it does not say which
    value = std::strtod(std::string(number).c_str(), nullptr);
  return value;
}

void append_python_number(std::string& out, std::string_view number, bool is_integer,
                          number_style style) {
  if (!is_integer)
    append_python_float(out, read_double(number), style);
  else
    out += number == "-0" ? "0" : number;
}

void append_python_float(std::string& out, double value, number_style style) {
  if (!std::isfinite(value)) {
    if (style == number_style::strict)
      out += "null";
    else
      out += std::isnan(value) ? "NaN" : value > 0 ? "Infinity" : "-Infinity";
    return;
  }
  // "d.ddde±xx": the shortest digits; Python lays them out by its own rule.
  char text[40];
  const auto made = std::to_chars(text, text + sizeof text, value, std::chars_format::scientific);
  std::string_view all(text, static_cast<size_t>(made.ptr - text));
  if (all.starts_with('-')) {
    out += '-';
    all.remove_prefix(1);
  }
  const auto mark = all.find('e');
  int exponent = 0;
  const auto* from = all.data() + mark + 1 + (all[mark + 1] == '+' ? 1 : 0);
  std::from_chars(from, all.data() + all.size(), exponent);
  std::string digits(1, all[0]);
  if (mark > 2)
    digits += all.substr(2, mark - 2);
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent > 15) {
    out += digits[0];
    if (count > 1) {
      out += '.';
      out.append(digits, 1);
    }
    out += exponent < 0 ? "e-" : "e+";
    const auto size = std::abs(exponent);
    if (size < 10)
      out += '0';
    out += std::to_string(size);
  } else if (exponent < 0) {
    out += "0.";
    out.append(static_cast<size_t>(-exponent - 1), '0');
    out += digits;
  } else if (count > exponent + 1) {
    out.append(digits, 0, static_cast<size_t>(exponent) + 1);
    out += '.';
    out.append(digits, static_cast<size_t>(exponent) + 1);
  } else {
    out += digits;
    out.append(static_cast<size_t>(exponent + 1 - count), '0');
    out += ".0";
  }
}

} // namespace natterjack::amqp
