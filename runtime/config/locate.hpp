// Where a value of an entry stands, for diagnostics.
#pragma once

#include "runtime/config/diagnostic.hpp"
#include "runtime/config/entry.hpp"

#include <string>
#include <utility>

namespace natterjack::runtime {

/// A mistake about `value`: at its line of the entry's file, or at the option it was given with.
/// @param line  of the key, where that is better known than the value's own; 0: the value's
inline diagnostic mistake_at(const entry& e, const config_value& value, int line,
                             std::string message, std::string expected = {}) {
  if (value.origin())
    return {*value.origin(), 0, e.id, std::move(message), std::move(expected)};
  if (line == 0)
    line = value.line() != 0 ? value.line() : e.line;
  return {e.file, line, e.id, std::move(message), std::move(expected)};
}

/// A mistake about the entry as a whole.
inline diagnostic mistake_at(const entry& e, std::string message, std::string expected = {}) {
  return {e.file, e.line, e.id, std::move(message), std::move(expected)};
}

} // namespace natterjack::runtime
