// Names of processes: first comes first, released when the process ends.
#pragma once

#include "hub/pid.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace natterjack::hub {

enum class register_result : uint8_t {
  registered, ///< also when the same process holds the name already
  taken,      ///< another process holds it
  too_many,   ///< `names` limit of the process is reached
};

class name_registry {
 public:
  /// @param names_max  most names one process may hold
  register_result add(const std::string& name, const pid& owner, size_t names_max = 1000);
  std::optional<pid> lookup(const std::string& name) const;
  /// @returns false if nobody holds the name
  bool remove(const std::string& name);
  /// Releases every name of a process that ends.
  void remove_all(const pid& owner) noexcept;
  std::vector<std::string> names_of(const pid& owner) const;
  /// Every name and its holder, sorted by name.
  std::vector<std::pair<std::string, pid>> all() const;

 private:
  mutable std::mutex mutex_;
  std::map<std::string, pid, std::less<>> holders_;
  std::unordered_map<uint64_t, std::vector<std::string>> names_; // PID number -> names
};

} // namespace natterjack::hub
