// One `security.policy`: does it say something about an action on a resource? What `policy:evaluate` of the
// module `security` does, for code that runs no Lua.
#pragma once

#include "runtime/config/expression.hpp"

#include <nlohmann/json.hpp>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

class policy {
 public:
  enum class verdict : uint8_t { undefined, allow, deny };

  /// @param rule  an object with `actions`, `resources`, `effect` and maybe `conditions` or `expression`,
  ///   as checked
  /// @param when  the `expression` of the rule, parsed. A rule that has one it cannot be judged by says
  ///   what one says whose expression cannot be told: it denies, or it says nothing
  explicit policy(nlohmann::json rule, std::shared_ptr<const expression> when = nullptr)
      : rule_(std::move(rule)), when_(std::move(when)) {}

  /// @param actor  object with `id` and `meta`
  verdict evaluate(const nlohmann::json& actor, const std::string& action,
                   const std::string& resource) const;

 private:
  bool counts(const nlohmann::json& facts, bool unless_told) const;

  nlohmann::json rule_;
  std::shared_ptr<const expression> when_;
};

/// A text against a pattern in which `*` stands for any characters, also for none.
bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

} // namespace natterjack::runtime
