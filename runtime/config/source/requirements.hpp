// ns.requirement and ns.dependency: values that a module asks for are put where it wants them.
//
//   value     the parameter of a ns.dependency with the requirement's name or id, else its default
//   target    a field of an entry; set before anything is checked, like an override
#pragma once

#include "runtime/config/application.hpp"

#include <vector>

namespace natterjack::runtime {

void apply_requirements(application& app);

} // namespace natterjack::runtime
