#include "actors/amqp/json_value.hpp"

#include "actors/amqp/unicode_printable.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <unordered_map>

namespace natterjack::amqp {

class json_builder {
 public:
  bool on_null() { return put({}); }
  bool on_bool(bool b) { return put(json_value(b)); }
  bool on_constant(json_constant what) {
    constexpr auto infinity = std::numeric_limits<double>::infinity();
    return put(json_value(what == json_constant::nan ? std::numeric_limits<double>::quiet_NaN()
                          : what == json_constant::infinity ? infinity
                                                            : -infinity));
  }
  bool on_number(std::string_view number, bool is_integer) {
    return put(is_integer ? json_value::make_integer(std::string(number == "-0" ? "0" : number))
                          : json_value(read_double(number)));
  }
  bool on_string(std::string_view inside, bool is_plain) {
    return put(json_value(is_plain ? std::string(inside) : unescape_json(inside)));
  }
  bool on_key(std::string_view inside, bool is_plain) {
    open_.back().key = is_plain ? std::string(inside) : unescape_json(inside);
    return true;
  }
  bool begin_object() {
    open_.push_back({json_value::make_object(), {}, {}});
    return true;
  }
  bool begin_array() {
    open_.push_back({json_value::make_array(), {}, {}});
    return true;
  }
  bool end_object() { return end(); }
  bool end_array() { return end(); }

  json_value take() { return std::move(root_); }

 private:
  static constexpr size_t searched_members_max = 16; // beyond, an index is quicker

  struct level {
    json_value value;
    std::string key;
    std::unordered_map<std::string, size_t> index;
  };

  static void put_member(level& l, json_value value) {
    auto& members = l.value.members_;
    if (members.size() < searched_members_max) {
      l.value.set(std::move(l.key), std::move(value));
      return;
    }
    if (l.index.empty())
      for (size_t i = 0; i < members.size(); ++i)
        l.index.emplace(members[i].first, i);
    const auto [known, is_new] = l.index.emplace(l.key, members.size());
    if (is_new)
      members.emplace_back(std::move(l.key), std::move(value));
    else
      members[known->second].second = std::move(value);
  }

  bool end() {
    auto done = std::move(open_.back().value);
    open_.pop_back();
    return put(std::move(done));
  }

  bool put(json_value value) {
    if (open_.empty())
      root_ = std::move(value);
    else if (open_.back().value.is(json_value::kind::object))
      put_member(open_.back(), std::move(value));
    else
      open_.back().value.elements_.push_back(std::move(value));
    return true;
  }

  json_value root_;
  std::vector<level> open_;
};

json_value json_value::make_integer(std::string digits) {
  json_value result;
  result.kind_ = kind::integer;
  result.text_ = std::move(digits);
  return result;
}

json_value json_value::make_array(std::vector<json_value> elements) {
  json_value result;
  result.kind_ = kind::array;
  result.elements_ = std::move(elements);
  return result;
}

json_value json_value::make_object(std::vector<member> members) {
  json_value result;
  result.kind_ = kind::object;
  result.members_ = std::move(members);
  return result;
}

std::optional<json_value> json_value::parse(std::string_view text, json_error& error,
                                            size_t depth_max) {
  json_builder builder;
  error = scan_json(text, builder, depth_max);
  if (error)
    return std::nullopt;
  return builder.take();
}

std::optional<int64_t> json_value::integer() const noexcept {
  int64_t value = 0;
  if (kind_ != kind::integer)
    return std::nullopt;
  const auto* end = text_.data() + text_.size();
  const auto read = std::from_chars(text_.data(), end, value);
  return read.ec == std::errc{} && read.ptr == end ? std::optional(value) : std::nullopt;
}

const json_value* json_value::find(std::string_view key) const noexcept {
  for (const auto& [name, value] : members_)
    if (name == key)
      return &value;
  return nullptr;
}

void json_value::set(std::string key, json_value value) {
  for (auto& [name, old] : members_)
    if (name == key) {
      old = std::move(value);
      return;
    }
  members_.emplace_back(std::move(key), std::move(value));
}

bool json_value::is_truthy() const noexcept {
  switch (kind_) {
  case kind::null:
    return false;
  case kind::boolean:
    return boolean_;
  case kind::integer:
    return text_ != "0";
  case kind::real:
    return real_ != 0; // NaN is true, as in Python
  case kind::text:
    return !text_.empty();
  case kind::array:
    return !elements_.empty();
  case kind::object:
    return !members_.empty();
  }
  return false;
}

std::string json_value::to_python_text() const {
  return kind_ == kind::text ? text_ : to_python_repr();
}

namespace {

void append_repr(std::string& out, const json_value& value) {
  using kind = json_value::kind;
  switch (value.what()) {
  case kind::null:
    out += "None";
    break;
  case kind::boolean:
    out += value.boolean() ? "True" : "False";
    break;
  case kind::integer:
    out += value.text();
    break;
  case kind::real:
    if (std::isnan(value.real()))
      out += "nan";
    else if (std::isinf(value.real()))
      out += value.real() > 0 ? "inf" : "-inf";
    else
      append_python_float(out, value.real(), number_style::exact);
    break;
  case kind::text:
    append_python_repr(out, value.text());
    break;
  case kind::array:
    out += '[';
    for (const auto& element : value.elements()) {
      if (&element != &value.elements().front())
        out += ", ";
      append_repr(out, element);
    }
    out += ']';
    break;
  case kind::object:
    out += '{';
    for (const auto& member : value.members()) {
      if (&member != &value.members().front())
        out += ", ";
      append_python_repr(out, member.first);
      out += ": ";
      append_repr(out, member.second);
    }
    out += '}';
    break;
  }
}

// The text is well-formed but for surrogates: it came out of the scanner.
uint32_t next_code(std::string_view text, size_t& at) noexcept {
  const auto lead = static_cast<unsigned char>(text[at]);
  const size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  uint32_t code = length == 1 ? lead : lead & (0xffU >> (length + 1));
  for (size_t i = 1; i < length && at + i < text.size(); ++i)
    code = code << 6 | (static_cast<unsigned char>(text[at + i]) & 0x3fU);
  at += length;
  return code;
}

void append_hex(std::string& out, const char* mark, uint32_t code, int digits) {
  out += mark;
  for (int shift = 4 * (digits - 1); shift >= 0; shift -= 4)
    out += "0123456789abcdef"[code >> shift & 15];
}

} // namespace

std::string json_value::to_python_repr() const {
  std::string result;
  append_repr(result, *this);
  return result;
}

void append_python_repr(std::string& out, std::string_view utf8) {
  const bool double_quotes =
      utf8.find('\'') != std::string_view::npos && utf8.find('"') == std::string_view::npos;
  const char quote = double_quotes ? '"' : '\'';
  out += quote;
  for (size_t at = 0; at < utf8.size();) {
    const auto start = at;
    const auto code = next_code(utf8, at);
    if (code == static_cast<unsigned char>(quote) || code == '\\') {
      out += '\\';
      out += static_cast<char>(code);
    } else if (code == '\n') {
      out += "\\n";
    } else if (code == '\t') {
      out += "\\t";
    } else if (code == '\r') {
      out += "\\r";
    } else if (is_printable(code)) {
      out += utf8.substr(start, at - start);
    } else if (code < 0x100) {
      append_hex(out, "\\x", code, 2);
    } else if (code < 0x10000) {
      append_hex(out, "\\u", code, 4);
    } else {
      append_hex(out, "\\U", code, 8);
    }
  }
  out += quote;
}

void json_value::write(std::string& out, number_style style) const {
  switch (kind_) {
  case kind::null:
    out += "null";
    break;
  case kind::boolean:
    out += boolean_ ? "true" : "false";
    break;
  case kind::integer:
    out += text_;
    break;
  case kind::real:
    append_python_float(out, real_, style);
    break;
  case kind::text:
    append_python_text(out, text_);
    break;
  case kind::array:
    out += '[';
    for (size_t i = 0; i < elements_.size(); ++i) {
      out += i == 0 ? "" : ", ";
      elements_[i].write(out, style);
    }
    out += ']';
    break;
  case kind::object:
    out += '{';
    for (size_t i = 0; i < members_.size(); ++i) {
      out += i == 0 ? "" : ", ";
      append_python_text(out, members_[i].first);
      out += ": ";
      members_[i].second.write(out, style);
    }
    out += '}';
    break;
  }
}

bool has_surrogate(std::string_view utf8) noexcept {
  for (size_t i = 0; i + 1 < utf8.size(); ++i)
    if (static_cast<unsigned char>(utf8[i]) == 0xed &&
        static_cast<unsigned char>(utf8[i + 1]) >= 0xa0)
      return true;
  return false;
}

} // namespace natterjack::amqp
