// One `security.policy`: does it say something about an action on a resource? What `policy:evaluate` of the
// module `security` does, for code that runs no Lua.
#pragma once

#include <nlohmann/json.hpp>

#include <string>
#include <string_view>
#include <vector>

namespace natterjack::runtime {

class policy {
 public:
  enum class verdict : uint8_t { undefined, allow, deny };

  /// @param rule  an object with `actions`, `resources`, `effect` and maybe `conditions`, as checked
  explicit policy(nlohmann::json rule) : rule_(std::move(rule)) {}

  /// @param actor  object with `id` and `meta`
  verdict evaluate(const nlohmann::json& actor, const std::string& action,
                   const std::string& resource) const;

 private:
  nlohmann::json rule_;
};

/// A text against a pattern in which `*` stands for any characters, also for none.
bool matches_pattern(std::string_view pattern, std::string_view text) noexcept;

} // namespace natterjack::runtime
