// A JSON value as a tree, with what Python would make of it: truth, str, repr and the text it
// writes.
//
// For what clients ask and for header values; replies on their way through are never made into
// trees.
#pragma once

#include "actors/amqp/python_json.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace natterjack::amqp {

class json_value {
 public:
  enum class kind : uint8_t { null, boolean, integer, real, text, array, object };
  using member = std::pair<std::string, json_value>;

  json_value() noexcept = default; ///< null
  explicit json_value(bool b) : kind_(kind::boolean), boolean_(b) {}
  explicit json_value(int64_t number) : kind_(kind::integer), text_(std::to_string(number)) {}
  explicit json_value(double number) : kind_(kind::real), real_(number) {}
  explicit json_value(std::string utf8) : kind_(kind::text), text_(std::move(utf8)) {}
  explicit json_value(std::string_view utf8) : json_value(std::string(utf8)) {}
  explicit json_value(const char* utf8) : json_value(std::string(utf8)) {}
  static json_value make_integer(std::string digits);
  static json_value make_array(std::vector<json_value> elements = {});
  static json_value make_object(std::vector<member> members = {});

  /// Reads one document. @param text  UTF-8
  static std::optional<json_value> parse(std::string_view text, json_error& error,
                                         size_t depth_max = 512);

  kind what() const noexcept { return kind_; }
  bool is(kind k) const noexcept { return kind_ == k; }
  bool boolean() const noexcept { return boolean_; }
  double real() const noexcept { return real_; }
  /// Of a text; of an integer its digits with sign.
  const std::string& text() const noexcept { return text_; }
  /// Nothing if this is no integer, or one beyond 64 bits.
  std::optional<int64_t> integer() const noexcept;
  const std::vector<json_value>& elements() const noexcept { return elements_; }
  const std::vector<member>& members() const noexcept { return members_; }

  /// A member of an object, or null if there is none.
  const json_value* find(std::string_view key) const noexcept;
  /// Sets a member of an object, at its old place if it is there.
  void set(std::string key, json_value value);

  /// Python's truth: null, false, 0, "", [] and {} are false.
  bool is_truthy() const noexcept;

  /// Python's str(): a text as it is, all else as its repr.
  std::string to_python_text() const;
  /// Python's repr(): texts in quotes.
  std::string to_python_repr() const;
  /// JSON as Python writes it.
  void write(std::string& out, number_style style = number_style::exact) const;

  bool operator==(const json_value&) const = default;

 private:
  friend class json_builder;
  kind kind_ = kind::null;
  bool boolean_ = false;
  double real_ = 0;
  std::string text_;
  std::vector<json_value> elements_;
  std::vector<member> members_;
};

/// Appends Python's repr of a text: quotes chosen as Python does, what cannot be printed escaped.
void append_python_repr(std::string& out, std::string_view utf8);

/// True if the text holds a surrogate, which no UTF-8 on a wire may.
bool has_surrogate(std::string_view utf8) noexcept;

} // namespace natterjack::amqp
