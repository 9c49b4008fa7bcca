// The tree of an expression, between its parser and its evaluation.
#pragma once

#include "runtime/config/expression.hpp"

namespace natterjack::runtime {

enum class expression_kind : uint8_t {
  constant, // `value`
  fact,     // `value`: its name
  list,     // parts
  member,   // parts: of what, which
  call,     // `value`: name of the function; parts: one argument
  choose,   // parts: condition, then, else
  either,
  both,
  negate, // !
  minus,
  binary, // `value`: the operator; parts: left, right
};

struct expression_node {
  expression_kind kind = expression_kind::constant;
  nlohmann::json value;
  std::vector<std::unique_ptr<const expression_node>> parts;
};

using expression_ptr = std::unique_ptr<const expression_node>;

/// Throws std::runtime_error with a sentence that names the column.
expression_ptr parse_expression(std::string_view text);

} // namespace natterjack::runtime
