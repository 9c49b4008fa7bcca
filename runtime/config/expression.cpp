#include "runtime/config/expression.hpp"

#include "runtime/config/expression_node.hpp"

#include <algorithm>
#include <cmath>
#include <optional>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;
using kind = expression_kind;

json value_of(const expression_node& node, const json& facts);

const char* type_of(const json& value) {
  return value.is_null() ? "nil" : value.is_number() ? "a number" : value.is_string() ? "a text"
         : value.is_boolean() ? "true or false" : value.is_array() ? "a list" : "a table";
}

[[noreturn]] void refuse(const std::string& sign, const json& a, const json& b) {
  throw std::runtime_error('"' + sign + "\" between " + type_of(a) + " and " + type_of(b));
}

bool truth(const expression_node& node, const json& facts) {
  const auto value = value_of(node, facts);
  if (value.is_null())
    return false;
  if (!value.is_boolean())
    throw std::runtime_error(std::string(type_of(value)) + " where true or false is expected");
  return value.get<bool>();
}

json member_of(const json& of, const json& which) {
  if (of.is_null())
    return nullptr;
  if (of.is_object() && which.is_string()) {
    const auto found = of.find(which.get_ref<const std::string&>());
    return found == of.end() ? json() : *found;
  }
  if (of.is_array() && which.is_number_integer()) {
    const auto place = which.get<int64_t>();
    return place >= 0 && place < static_cast<int64_t>(of.size()) ? of[static_cast<size_t>(place)]
                                                                   : json();
  }
  throw std::runtime_error(std::string(type_of(of)) + " has no member of this kind");
}

json call(const std::string& name, const json& value) {
  if (name == "len") {
    if (value.is_string())
      return value.get_ref<const std::string&>().size();
    if (value.is_structured() || value.is_null())
      return value.size();
  } else if (name == "string") {
    return value.is_string() ? value : json(value.dump());
  } else if (value.is_string()) {
    auto text = value.get<std::string>();
    for (char& c : text)
      if (name == "lower" ? c >= 'A' && c <= 'Z' : c >= 'a' && c <= 'z')
        c = static_cast<char>(c ^ 0x20);
    return text;
  }
  throw std::runtime_error(name + " of " + type_of(value));
}

bool is_in(const json& what, const json& where) {
  if (where.is_array())
    return std::find(where.begin(), where.end(), what) != where.end();
  if (where.is_object() && what.is_string())
    return where.contains(what.get_ref<const std::string&>());
  if (where.is_null())
    return false;
  refuse("in", what, where);
}

// @returns nothing if the sign does not compare
template <class Value>
std::optional<bool> compare(const std::string& sign, const Value& left, const Value& right) {
  if (sign == "<")
    return left < right;
  if (sign == "<=")
    return left <= right;
  if (sign == ">")
    return left > right;
  if (sign == ">=")
    return left >= right;
  return std::nullopt;
}

json of_texts(const std::string& sign, const json& a, const json& b) {
  const auto& left = a.get_ref<const std::string&>();
  const auto& right = b.get_ref<const std::string&>();
  if (sign == "contains")
    return left.find(right) != std::string::npos;
  if (sign == "startsWith")
    return left.starts_with(right);
  if (sign == "endsWith")
    return left.ends_with(right);
  if (sign == "+")
    return left + right;
  if (const auto ordered = compare(sign, left, right))
    return *ordered;
  refuse(sign, a, b);
}

json of_numbers(const std::string& sign, const json& a, const json& b) {
  const auto left = a.get<double>();
  const auto right = b.get<double>();
  if (const auto ordered = compare(sign, left, right))
    return *ordered;
  if (sign == "+")
    return left + right;
  if (sign == "-")
    return left - right;
  if (sign == "*")
    return left * right;
  if (sign == "/" || sign == "%") {
    if (right == 0)
      throw std::runtime_error("a division by zero");
    return sign == "/" ? left / right : std::fmod(left, right);
  }
  refuse(sign, a, b);
}

json binary(const std::string& sign, const json& a, const json& b) {
  if (sign == "==")
    return a == b;
  if (sign == "!=")
    return a != b;
  if (sign == "in")
    return is_in(a, b);
  if (sign == "contains" && a.is_array())
    return is_in(b, a);
  if (sign == "contains" && a.is_null())
    return false;
  if (a.is_string() && b.is_string())
    return of_texts(sign, a, b);
  if (a.is_number() && b.is_number())
    return of_numbers(sign, a, b);
  refuse(sign, a, b);
}

json value_of(const expression_node& node, const json& facts) {
  const auto part = [&node, &facts](size_t i) { return value_of(*node.parts[i], facts); };
  switch (node.kind) {
    case kind::constant:
      return node.value;
    case kind::fact:
      return member_of(facts, node.value);
    case kind::list: {
      auto made = json::array();
      for (size_t i = 0; i < node.parts.size(); ++i)
        made.push_back(part(i));
      return made;
    }
    case kind::member:
      return member_of(part(0), part(1));
    case kind::call:
      return call(node.value.get_ref<const std::string&>(), part(0));
    case kind::choose:
      return part(truth(*node.parts[0], facts) ? 1 : 2);
    case kind::either:
      return truth(*node.parts[0], facts) || truth(*node.parts[1], facts);
    case kind::both:
      return truth(*node.parts[0], facts) && truth(*node.parts[1], facts);
    case kind::negate:
      return !truth(*node.parts[0], facts);
    case kind::minus:
      return binary("-", 0, part(0));
    case kind::binary:
      return binary(node.value.get_ref<const std::string&>(), part(0), part(1));
  }
  return nullptr;
}

} // namespace

expression::expression(std::unique_ptr<const expression_node> root) : root_(std::move(root)) {}
expression::~expression() = default;

std::shared_ptr<const expression> expression::parse(std::string_view text, std::string& error) {
  try {
    return std::make_shared<const expression>(parse_expression(text));
  } catch (const std::runtime_error& e) {
    error = e.what();
    return nullptr;
  }
}

std::optional<json> expression::evaluate(const json& facts, std::string& error) const {
  try {
    return value_of(*root_, facts);
  } catch (const std::exception& e) {
    error = e.what();
    return std::nullopt;
  }
}

std::optional<bool> expression::holds(const json& facts, std::string& error) const {
  auto value = evaluate(facts, error);
  if (!value)
    return std::nullopt;
  return value->is_boolean() && value->get<bool>();
}

} // namespace natterjack::runtime
