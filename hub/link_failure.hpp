// What ends a process that is linked to one that failed.
#pragma once

#include "hub/pid.hpp"

#include <string>
#include <string_view>

namespace natterjack::hub {

/// `linked process failed: PID: cause`, of the process whose own failure began it: along a chain of links
/// the text is handed on as it is, else each link would add to it.
inline std::string link_failure(const pid& from, std::string_view error) {
  constexpr std::string_view heading = "linked process failed: ";
  auto inherited = error;
  if (const auto space = error.find(' '); !error.starts_with(heading) && space != error.npos)
    inherited.remove_prefix(space + 1); // a hub in C++ puts its entry in front
  if (inherited.starts_with(heading))
    return std::string(inherited);
  auto text = std::string(heading) + to_string(from);
  return error.empty() ? text : text.append(": ").append(error);
}

} // namespace natterjack::hub
