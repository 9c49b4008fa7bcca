// JSON for hub authors: what clients and processes said, read into types without a throw.
//
//   parse_json, text      the value            why not, as a sentence: syntax, depth, UTF-8
//   read_json<T>, text    a T (from_json)      the same, or what did not fit the type
//   json_of, payload      its value; bytes as a string of them
//   to_payload, value     what is sent: text for strings, JSON for what has to_json, bytes as they are
#pragma once

#include "hub/payload.hpp"

#include <nlohmann/json.hpp>

#include <concepts>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace natterjack {

using json = nlohmann::json;

/// A value, or a sentence about why there is none.
template <class T> class result {
 public:
  result(T value) : value_(std::move(value)) {}
  static result failed(std::string why) {
    result made;
    made.error_ = std::move(why);
    return made;
  }

  explicit operator bool() const noexcept { return value_.has_value(); }
  /// @pre there is a value
  const T& operator*() const noexcept { return *value_; }
  const T* operator->() const noexcept { return &*value_; }
  T value_or(T otherwise) const { return value_ ? *value_ : std::move(otherwise); }
  /// Empty when there is a value.
  const std::string& error() const noexcept { return error_; }

 private:
  result() = default;
  std::optional<T> value_;
  std::string error_;
};

/// Levels of JSON from outside: deeper text is refused, since whoever walks it would run out of stack.
inline constexpr size_t json_depth_max = 512;

result<json> parse_json(std::string_view text);

/// What an exception said, without the library's own words in front.
std::string problem_of(const std::exception& e);

/// Reads a value into a type that has `from_json`.
template <class T> result<T> read_value(const json& value) {
  try {
    return result<T>(value.get<T>());
  } catch (const std::exception& e) {
    return result<T>::failed(problem_of(e));
  }
}

template <class T> result<T> read_json(std::string_view text) {
  auto value = parse_json(text);
  return value ? read_value<T>(*value) : result<T>::failed(value.error());
}

/// The value of a payload that a process made.
/// @returns a value that `is_discarded()` if its JSON is none
json json_of(const hub::payload& value);

inline hub::payload to_payload(hub::payload value) { return value; }
hub::payload to_payload(const json& value);

/// Strings become text (what is not UTF-8: binary), a json or what has `to_json` becomes JSON, a payload
/// stays what it is.
template <class T> hub::payload to_payload(const T& value) {
  if constexpr (std::convertible_to<const T&, std::string_view> && !std::is_null_pointer_v<T>) {
    const std::string_view bytes = value;
    return hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes);
  } else {
    return to_payload(json(value));
  }
}

} // namespace natterjack
