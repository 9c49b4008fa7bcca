// The process.cpp entries of an application, ready to be started.
#pragma once

#include "hub/directory.hpp"
#include "runtime/config/options.hpp"

#include <functional>
#include <map>
#include <string>

namespace natterjack::hub {
class node;
class process_host;
} // namespace natterjack::hub

namespace natterjack::runtime {

class cpp_processes {
 public:
  /// @param options  outlives this
  cpp_processes(const application_options& options, hub::node& node);

  bool has(const std::string& entry_id) const { return entries_.contains(entry_id); }

  /// Starts a process. @pre has(entry_id)
  /// @param input         array: its arguments
  /// @param when_waiting  called once, from any thread: on_start has returned, or it has ended
  /// @returns the process, or nothing and why
  hub::process_ref start(const std::string& entry_id, hub::process_host& where,
                         const nlohmann::json& input, std::function<void()> when_waiting,
                         std::string& error);

 private:
  hub::node& node_;
  std::map<std::string, const process_cpp_entry*> entries_;
};

} // namespace natterjack::runtime
