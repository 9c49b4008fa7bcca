#include "runtime/config/checks/expression_check.hpp"

#include "runtime/config/expression.hpp"
#include "runtime/config/locate.hpp"

namespace natterjack::runtime {

void check_expressions(application& app) {
  for (const auto& e : app.entries) {
    if (e.kind != "security.policy.expr")
      continue;
    const auto* said = e.data.find_path("policy.expression");
    if (said == nullptr || said->as_text() == nullptr || said->is_broken())
      continue; // told already
    std::string why;
    if (!expression::parse(*said->as_text(), why))
      app.diagnostics.push_back(mistake_at(e, *said, 0, "policy.expression: " + why,
                                           "a condition such as actor.id == meta.owner"));
  }
}

} // namespace natterjack::runtime
