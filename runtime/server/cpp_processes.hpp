// The process.cpp entries of an application as running processes.
#pragma once

#include "hub/directory.hpp"
#include "runtime/config/options/options.hpp"

#include <functional>
#include <string>

namespace natterjack::hub {
class node;
class process_host;
} // namespace natterjack::hub

namespace natterjack::runtime {

/// @returns null if this id is no process.cpp
const process_cpp_entry* find_cpp_process(const application_options& options,
                                          const std::string& entry_id) noexcept;

/// Starts a process of an entry.
/// @param input         array: its arguments
/// @param when_waiting  called once, from any thread: on_start has returned, or it has ended
/// @returns the process, or nothing and why
hub::process_ref start_cpp_process(hub::node& home, hub::process_host& where,
                                   const process_cpp_entry& entry, const nlohmann::json& input,
                                   std::function<void()> when_waiting, std::string& error);

} // namespace natterjack::runtime
