// The entries of the application as data that scripts may read, in versions.
//
//   now               all entries
//   at, version       all entries then, or null
//   apply, changes    the next version           not_found, already_exists, invalid: a kind that
//                                                would have to be started or stopped
//   go_to, version    it is the present one again; the next change makes a version above all others
//
//   bound   `versions_max` versions are remembered
//   never   starts, stops or changes what runs: that is what a reload is for. Lua that scripts may change is
//           made of the entries when it is next asked for (scripted_entries.hpp)
#pragma once

#include "runtime/lua/reply.hpp"

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace natterjack::runtime::lua {

struct entry_record {
  std::string id;
  std::string kind;
  hub::payload meta; ///< JSON
  hub::payload data; ///< JSON
};

enum class entry_change_kind : uint8_t { create, update, remove };

struct entry_change {
  entry_change_kind what = entry_change_kind::create;
  entry_record entry;
};

class entry_registry {
 public:
  using entry_map = std::map<std::string, entry_record>;
  using snapshot = std::shared_ptr<const entry_map>;

  static constexpr size_t versions_max = 100;

  /// What is wrong with the `pool` and `limits` of Lua that a script adds, a sentence; empty: nothing. Set
  /// before the first script runs; may be left unset.
  std::function<std::string(const entry_record&)> check_bounds;

  entry_registry();
  /// Version 0: what the files say.
  void load(std::vector<entry_record> all);

  uint64_t version() const;
  /// Whether kind or data of this entry are not what the files say, or it is not of the files, or gone.
  bool is_changed(const std::string& id) const;
  std::vector<uint64_t> versions() const;
  snapshot now() const;
  snapshot at(uint64_t version) const;
  /// @returns the new version; nothing, with `why`
  std::optional<uint64_t> apply(const std::vector<entry_change>& changes, failure& why);
  std::optional<uint64_t> go_to(uint64_t version, failure& why);

 private:
  uint64_t add(snapshot one);

  mutable std::mutex mutex_;
  snapshot loaded_;
  uint64_t present_ = 0;
  std::map<uint64_t, snapshot> versions_;
};

} // namespace natterjack::runtime::lua
