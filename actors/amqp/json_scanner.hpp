// Reads JSON text and tells a sink what is in it, piece by piece; checks all of it, keeps nothing.
//
//   sink hears    on_null, on_bool(bool), on_number(text, is_integer), on_constant(kind)
//                 on_string(inside, is_plain), on_key(inside, is_plain)
//                 begin_object, end_object, begin_array, end_array
//   each answers  true to go on
//
// The dialect is the one of Python's reader: RFC 8259, and NaN, Infinity, -Infinity; raw control
// characters in strings are refused, lone surrogates are not. Nesting costs a bit a level, not
// stack.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::amqp {

enum class json_constant : uint8_t { nan, infinity, minus_infinity };

/// Why a text was refused.
struct json_error {
  enum class cause : uint8_t { none, syntax, too_deep, not_utf8, refused_by_sink };
  cause what = cause::none;
  size_t at = 0;        ///< byte offset
  const char* why = ""; ///< "expected a value", …
  explicit operator bool() const noexcept { return what != cause::none; }
};

/// "not JSON: expected a value at byte 3"
std::string to_string(const json_error& error);

namespace detail {

/// Finds the end of a string. @param at  behind the opening quote
/// @param plain  set to whether the inside is printable ASCII without escapes
/// @returns offset of the closing quote, or npos with `error` set
size_t scan_string(std::string_view text, size_t at, bool& plain, json_error& error) noexcept;

/// @param integer  set to whether there is neither a fraction nor an exponent
/// @returns offset behind the number, or `at` if there is none
size_t scan_number(std::string_view text, size_t at, bool& integer) noexcept;

} // namespace detail

template <class Sink> json_error scan_json(std::string_view text, Sink& sink, size_t depth_max) {
  using cause = json_error::cause;
  enum class expect : uint8_t { value, first_value, key, first_key, comma };

  std::vector<bool> in_object; // one for each level; false: an array
  auto next = expect::value;
  size_t at = 0;
  json_error error;

  auto fail = [&at](const char* why, cause what = cause::syntax) {
    return json_error{what, at, why};
  };
  auto skip_space = [&text, &at] {
    while (at < text.size() &&
           (text[at] == ' ' || text[at] == '\n' || text[at] == '\r' || text[at] == '\t'))
      ++at;
  };
  auto word = [&text, &at](std::string_view w) {
    if (text.substr(at, w.size()) != w)
      return false;
    at += w.size();
    return true;
  };

  for (;;) {
    skip_space();
    if (next == expect::comma && in_object.empty())
      return at == text.size() ? json_error{} : fail("expected the end of the text");
    if (at == text.size())
      return fail("the text ends early");
    const char c = text[at];
    bool go_on = true;

    if (next == expect::comma) {
      if (c == ',') {
        ++at;
        next = in_object.back() ? expect::key : expect::value;
        continue;
      }
      if (c != (in_object.back() ? '}' : ']'))
        return fail(in_object.back() ? "expected ',' or '}'" : "expected ',' or ']'");
      ++at;
      go_on = in_object.back() ? sink.end_object() : sink.end_array();
      in_object.pop_back();
    } else if (next == expect::key || next == expect::first_key) {
      if (c == '}' && next == expect::first_key) {
        ++at;
        in_object.pop_back();
        next = expect::comma;
        go_on = sink.end_object();
      } else {
        if (c != '"')
          return fail("expected a key in quotes");
        bool plain = true;
        const auto end = detail::scan_string(text, at + 1, plain, error);
        if (error)
          return error;
        go_on = sink.on_key(text.substr(at + 1, end - at - 1), plain);
        at = end + 1;
        skip_space();
        if (at == text.size() || text[at] != ':')
          return fail("expected ':'");
        ++at;
        next = expect::value;
      }
    } else if (c == ']' && next == expect::first_value) {
      ++at;
      in_object.pop_back();
      next = expect::comma;
      go_on = sink.end_array();
    } else if (c == '{' || c == '[') {
      if (in_object.size() == depth_max)
        return fail("nested too deeply", cause::too_deep);
      ++at;
      in_object.push_back(c == '{');
      next = c == '{' ? expect::first_key : expect::first_value;
      go_on = c == '{' ? sink.begin_object() : sink.begin_array();
    } else {
      next = expect::comma;
      if (c == '"') {
        bool plain = true;
        const auto end = detail::scan_string(text, at + 1, plain, error);
        if (error)
          return error;
        go_on = sink.on_string(text.substr(at + 1, end - at - 1), plain);
        at = end + 1;
      } else if (word("null")) {
        go_on = sink.on_null();
      } else if (word("true")) {
        go_on = sink.on_bool(true);
      } else if (word("false")) {
        go_on = sink.on_bool(false);
      } else if (word("NaN")) {
        go_on = sink.on_constant(json_constant::nan);
      } else if (word("Infinity")) {
        go_on = sink.on_constant(json_constant::infinity);
      } else if (word("-Infinity")) {
        go_on = sink.on_constant(json_constant::minus_infinity);
      } else {
        bool integer = true;
        const auto end = detail::scan_number(text, at, integer);
        if (end == at)
          return fail("expected a value");
        go_on = sink.on_number(text.substr(at, end - at), integer);
        at = end;
      }
    }
    if (!go_on)
      return fail("the text is too long", cause::refused_by_sink);
  }
}

} // namespace natterjack::amqp
