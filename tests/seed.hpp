// Where random tests begin: the same each time, so that a failure says something about the last change.
// NATTERJACK_TEST_SEED in the environment makes them try others.
#pragma once

#include <cstdlib>
#include <string>

namespace test {

/// The seed for a generator; std::invalid_argument if the environment asks for one that is no number.
inline unsigned seed() {
  const char* wanted = std::getenv("NATTERJACK_TEST_SEED");
  return wanted ? static_cast<unsigned>(std::stoul(wanted)) : 1U;
}

} // namespace test
