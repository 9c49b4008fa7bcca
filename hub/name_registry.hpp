// Names of processes: first comes first, released when the process ends.
#pragma once

#include "hub/directory.hpp"

#include <functional>
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
  no_process, ///< it has ended
};

class name_registry {
 public:
  /// @param processes  of whom only those in it can hold a name
  explicit name_registry(const directory& processes) : processes_(processes) {}

  /// @param names_max  most names one process may hold
  register_result add(const std::string& name, const pid& owner, size_t names_max = 1000);
  std::optional<pid> lookup(const std::string& name) const;
  /// @returns false if nobody holds the name
  bool remove(const std::string& name);
  /// Gives names from one process to another at once: no lookup finds nobody in between. Names that
  /// `from` does not hold are left alone, and so are all if `to` has ended.
  void hand_over(const std::vector<std::string>& names, const pid& from, const pid& to);
  /// Calls `tell`, from any thread and once, when somebody registers the name.
  /// @returns a number for `unwatch`; 0 if it was told at once because the name is held
  uint64_t watch(const std::string& name, std::function<void(const pid&)> tell);
  void unwatch(uint64_t number);
  /// Releases every name of a process that ends.
  void remove_all(const pid& owner) noexcept;
  std::vector<std::string> names_of(const pid& owner) const;
  /// Every name and its holder, sorted by name.
  std::vector<std::pair<std::string, pid>> all() const;

 private:
  using tell_function = std::function<void(const pid&)>;
  using watchers = std::map<uint64_t, tell_function>; // by their numbers
  using watched_names = std::map<std::string, watchers, std::less<>>;

  const directory& processes_;
  mutable std::mutex mutex_;
  std::map<std::string, pid, std::less<>> holders_;
  std::unordered_map<uint64_t, std::vector<std::string>> names_; // PID number -> names
  watched_names watched_;
  std::unordered_map<uint64_t, watched_names::iterator> watched_by_; // number of the watcher -> name
  uint64_t last_watcher_ = 0;
};

} // namespace natterjack::hub
