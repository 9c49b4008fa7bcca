// Entries of hubs in C++: what their classes are given, and whether this program has them.
#pragma once

#include "runtime/config/application.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace natterjack::runtime {

struct process_cpp_entry {
  std::string id;
  std::string class_name;
  nlohmann::json options; ///< an object
  uint64_t mailbox = 0;
  uint64_t mailbox_bytes = 0;
  uint64_t timers = 0;
  uint64_t names = 0;
};

process_cpp_entry read_process_cpp(const entry& e);

/// Adds a mistake for each process.cpp whose class is none of these.
void check_hub_classes(application& app, const std::vector<std::string>& known);

} // namespace natterjack::runtime
