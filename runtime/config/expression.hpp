// A condition over facts in JSON, as `security.policy.expr` has it: parsed once, evaluated for each question.
//
//   actor.meta.role == "editor" && resource startsWith "doc:" || "admin" in actor.meta.groups
//
//   values      numbers, texts in " or ', true, false, nil, lists [a, b]; the facts by name, `.x`, `["x"]`, `[0]`
//   operators   ?:  || or  && and  ! not  == != < <= > >=  in, not in  contains startsWith endsWith  + - * / %
//   functions   len(x) lower(x) upper(x) string(x)
//   a fact that is not there is nil; nil equals only nil; other misuse (1 < "a") is an error
//   bound       4 KiB of text, 64 levels
#pragma once

#include <nlohmann/json.hpp>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

struct expression_node;

class expression {
 public:
  /// @param error  why there is none, with the column: `unexpected ")" at column 7`
  static std::shared_ptr<const expression> parse(std::string_view text, std::string& error);

  /// @returns the value; nothing, and why, if a value has a type the operation does not know
  std::optional<nlohmann::json> evaluate(const nlohmann::json& facts, std::string& error) const;

  /// Whether it is true for these facts: only `true` itself counts.
  /// @returns nothing, and why, if it cannot be told
  std::optional<bool> holds(const nlohmann::json& facts, std::string& error) const;

  explicit expression(std::unique_ptr<const expression_node> root);
  ~expression();

 private:
  std::unique_ptr<const expression_node> root_;
};

} // namespace natterjack::runtime
