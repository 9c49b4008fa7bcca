// What `natterjack ps` and `top` print: answers of a node as tables for people.
#pragma once

#include <nlohmann/json.hpp>

#include <string>

namespace natterjack::runtime {

struct list_wishes {
  std::string sort = "pid"; ///< pid, or a number of a row: the largest first
  std::string filter;       ///< part of entry, kind, name or PID; empty: all
  size_t rows = 0;          ///< 0: all
};

/// @param answer  of the command `ps`
std::string show_processes(const nlohmann::json& answer, const list_wishes& wishes);

/// A few lines about the node.
/// @param before  the answer before this one, for rates; null the first time
std::string show_summary(const nlohmann::json& answer, const nlohmann::json& before);

} // namespace natterjack::runtime
